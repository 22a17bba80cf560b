"""Targets: whom callers may be handed to."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from telephony.manifest.model import Manifest
from telephony.manifest.targets import Target
from tests.telephony.manifest.manifests import parsed


def manifest(**changed: object) -> Manifest:
    minimal = parsed().model_dump(exclude_none=True, exclude={"numbers"})
    return Manifest.model_validate(minimal | changed)


@pytest.mark.parametrize(
    ("call", "read"),
    [
        ("+919800000001", "+919800000001"),
        ("09800000001", "+919800000001"),
        (919800000001, "+919800000001"),
        ("sip:asha@PBX.example.com:5080;transport=tcp", "sip:asha@pbx.example.com:5080;transport=tcp"),
    ],
)
def test_a_person_is_a_number_or_a_sip_uri(call, read):
    """In the forms that people write; a line of its own or with its ring time."""
    short = Target.model_validate({"says": "sales", "people": [call]})
    long = Target.model_validate({"says": "sales", "people": [{"call": call}]})
    assert short == long
    assert short.people[0].call == read


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("hello", "not a phone number"),
        ("sip:pbx.example.com", "names nobody"),
        ("sip:asha@pbx.example.com?X-VH-A=1", "must not carry headers"),
        ("sip:asha@pbx.example.com;transport=ws", "transport must be udp, tcp, tls"),
        ("sip:asha@", "not a SIP URI"),
        ("tel:+919800000001", "not a phone number"),
    ],
)
def test_whoever_cannot_be_dialled_is_refused(call, words):
    """Before any call."""
    with pytest.raises(ValidationError, match=words):
        Target.model_validate({"says": "sales", "people": [call]})


def test_a_target_needs_somebody():
    """An empty list reaches nobody."""
    with pytest.raises(ValidationError, match="at least 1 item"):
        Target.model_validate({"says": "sales", "people": []})


def test_an_agent_may_only_name_targets_that_are_there():
    """The message says which there are."""
    agents = {name: agent.model_dump() | {"transfers": ["billing"]} for name, agent in parsed().agents.items()}
    targets = {"sales": {"says": "sales", "people": ["sip:asha@pbx.example.com"]}}
    with pytest.raises(ValidationError, match="no target named 'billing'; targets are: sales"):
        manifest(agents=agents, targets=targets)


def test_a_telephone_number_needs_a_way_out():
    """A SIP URI does not."""
    with pytest.raises(ValidationError, match="is reached by `outbound`, which is not there"):
        manifest(targets={"sales": {"says": "sales", "people": ["+919800000001"]}})
    assert manifest(targets={"sales": {"says": "sales", "people": ["sip:asha@pbx.example.com"]}}).targets


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"on_busy": "nxt"}, "'next', 'return', 'voicemail' or 'hang_up'"),
        ({"on_busy": {"tgt": "sales"}}, "did you mean 'target'"),
        ({"on_closed": "next"}, "passed over already"),
        ({"hours": ["9 to 5"]}, "must be days and times"),
        ({"headers": {"X-VH-A": "a\r\nContact: <sip:mallory@127.0.0.1>"}}, "should match pattern"),
        ({"headers": {"Contact": "sip:mallory@127.0.0.1"}}, "should match pattern"),
        ({"briefing": "{caller.__class__}"}, "is not one of reason, caller, called"),
        ({"briefing": "{reason:d}"}, "placeholders are names alone"),
        ({"briefing": "{reason!z}"}, "placeholders are names alone"),
        ({"people": ["sip:a%0d%0aX-Evil:%201@h.example"]}, "a user has no line break and no @"),
        ({"briefing": "{reason"}, "placeholders are written"),
        ({"update_every_s": 1}, "greater than or equal to 8"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, words):
    """With what to write."""
    with pytest.raises(ValidationError, match=words):
        Target.model_validate({"says": "sales", "people": ["sip:asha@pbx.example.com"]} | settings)


def test_a_target_that_leads_on_names_another_one():
    """One that is there."""
    sales = {"says": "sales", "people": ["sip:asha@pbx.example.com"]}
    with pytest.raises(ValidationError, match="no target named 'night'; targets are: sales"):
        manifest(targets={"sales": sales | {"on_closed": {"target": "night"}}})
    with pytest.raises(ValidationError, match="'sales' is the target itself"):
        manifest(targets={"sales": sales | {"on_busy": {"target": "sales"}}})


def test_the_number_that_is_shown_is_one_of_ours():
    """The carrier refuses any other."""
    sales = {"says": "sales", "people": ["sip:asha@pbx.example.com"], "caller_id": "+919800000099"}
    with pytest.raises(ValidationError, match="is no number of this manifest"):
        manifest(targets={"sales": sales})


def test_a_strategy_is_one_of_four():
    """Nobody has to choose."""
    people = {"says": "sales", "people": ["sip:asha@pbx.example.com"]}
    assert Target.model_validate(people).strategy == "auto"
    for strategy in ("auto", "gated_room", "redial", "cloud_move"):
        assert Target.model_validate(people | {"strategy": strategy}).strategy == strategy
    with pytest.raises(ValidationError):
        Target.model_validate(people | {"strategy": "hairpin"})
