"""The dispatch contract: what the rule writes is what the worker reads, and nothing else is taken for it."""

import json
import re
from dataclasses import replace

import pytest

from telephony.call_tag import call_tag
from telephony.dispatch import DISPATCH_VERSION, DispatchError, DispatchMetadata, worker_name


@pytest.mark.parametrize("number", [None, "+918071000001"])
def test_metadata_survives_the_way_through_a_rule(number):
    """With and without a number."""
    metadata = DispatchMetadata(deployment="demo", agent="front-desk", number=number)
    assert DispatchMetadata.from_json(metadata.to_json()) == metadata


def test_metadata_is_a_stable_text_with_a_version():
    """Equal values give equal texts: the planner compares them."""
    text = DispatchMetadata(deployment="demo", agent="front-desk").to_json()
    assert text == '{"agent":"front-desk","deployment":"demo","v":1}'


def test_new_keys_of_the_same_version_are_ignored():
    """A rule may be written by a newer dialroom than the worker."""
    text = json.dumps({"v": DISPATCH_VERSION, "agent": "a", "deployment": "d", "later": True})
    assert DispatchMetadata.from_json(text) == DispatchMetadata(deployment="d", agent="a")


@pytest.mark.parametrize("key", ["targets", "transfers", "people", "target", "call", "transfer_to", "outbound"])
def test_metadata_names_nobody_who_could_be_called(key):
    """Whom an agent may hand callers to stands in the worker's manifest alone."""
    plain = DispatchMetadata(deployment="d", agent="a")
    text = json.dumps({**json.loads(plain.to_json()), key: {"front-office": ["sip:mallory@evil.example"]}})
    assert DispatchMetadata.from_json(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"v":3,"agent":"a","deployment":"d"}',
        '{"v":2,"agent":"a","deployment":"d","split":[["a",0]]}',
        '{"v":2,"agent":"a","deployment":"d","split":"ab"}',
        '{"v":2,"agent":"a","deployment":"d","callers":"+919812345678"}',
        '{"agent":"a","deployment":"d"}',
        '{"v":1,"agent":"a"}',
        '{"v":1,"agent":"","deployment":"d"}',
        '{"v":1,"agent":7,"deployment":"d"}',
        '{"v":1,"agent":"a","deployment":"d","number":5}',
    ],
)
def test_what_this_version_did_not_write_is_refused(text):
    """One line, no key error."""
    with pytest.raises(DispatchError) as refused:
        DispatchMetadata.from_json(text)
    assert "\n" not in str(refused.value)


def test_the_worker_of_a_deployment_has_a_name_of_its_own():
    """Several deployments share one LiveKit."""
    assert worker_name("demo") == "dialroom-demo"


def test_a_call_tag_is_short_and_says_nothing():
    """The same Call-ID gives the same tag; host and number are not in it."""
    tag = call_tag("a84b4c76e66710@pc33.example.com")
    assert re.fullmatch(r"call-[0-9a-f]{16}", tag)
    assert tag == call_tag("a84b4c76e66710@pc33.example.com")
    assert tag != call_tag("other@pc33.example.com")


def test_restrictions_have_a_version_of_their_own():
    """A worker of before would overlook them and take the call."""
    plain = DispatchMetadata(deployment="d", agent="a")
    assert '"v":1' in plain.to_json()
    for restricted in (replace(plain, callers=("+919812345678",)), replace(plain, split=(("a", 1), ("b", 2)))):
        assert '"v":2' in restricted.to_json()
        assert DispatchMetadata.from_json(restricted.to_json()) == restricted


def test_calls_are_shared_by_weight_and_a_call_keeps_its_agent():
    """70 to 30 of a thousand calls, within what chance allows."""
    shared = DispatchMetadata(deployment="d", agent="a", split=(("a", 70), ("b", 30)))
    answered = [shared.agent_for(f"call_{index}") for index in range(1000)]
    assert answered == [shared.agent_for(f"call_{index}") for index in range(1000)]
    assert 640 < answered.count("a") < 760
    assert set(answered) == {"a", "b"}


@pytest.mark.parametrize("written", ["+919812345678", "919812345678", "09812345678", "0091 98123 45678"])
def test_an_allowed_caller_is_known_in_any_form(written):
    """As carriers write them."""
    restricted = DispatchMetadata(deployment="d", agent="a", callers=("+919812345678",))
    assert restricted.admits(written)
    assert not restricted.admits("+919812345679")
    assert not restricted.admits(None)
    assert DispatchMetadata(deployment="d", agent="a").admits(None)
