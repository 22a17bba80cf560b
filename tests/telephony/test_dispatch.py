"""The dispatch contract: what the rule writes is what the worker reads, and nothing else is taken for it."""

import json
import re

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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"v":2,"agent":"a","deployment":"d"}',
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
