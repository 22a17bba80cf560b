"""agent/call.py: the attributes of a leg → a Call."""

from __future__ import annotations

import dataclasses

import pytest

from agent.call import is_forged, read_call
from telephony import dispatch
from telephony.call_tag import call_tag
from telephony.dispatch import DispatchMetadata

WANTED = DispatchMetadata(deployment="rig", agent="desk", number="+918071000001")
ATTRIBUTES = {
    dispatch.CALL_ID: "SCL_1",
    dispatch.CALL_ID_FULL: "a1@127.0.0.1",
    dispatch.CALLER: "09812345678",
    dispatch.CALLED: "918071000001",
    dispatch.TRUNK_ID: "ST_1",
}


def test_the_attributes_of_livekit_sip_make_a_call() -> None:
    """Numbers become E.164, whatever form the carrier sent."""
    call = read_call(WANTED, attributes=ATTRIBUTES, room="call-1", identity="sip_1", job_id="AJ_1")
    assert (call.caller, call.called) == ("+919812345678", "+918071000001")
    assert (call.call_id, call.sip_call_id, call.trunk) == ("SCL_1", "a1@127.0.0.1", "ST_1")
    assert (call.agent, call.deployment, call.room, call.identity) == ("desk", "rig", "call-1", "sip_1")
    assert call.tag == call_tag("a1@127.0.0.1")


def test_the_called_number_comes_from_the_leg_when_the_rule_serves_several() -> None:
    """One rule may stand for many numbers."""
    wanted = dataclasses.replace(WANTED, number=None)
    assert read_call(wanted, attributes=ATTRIBUTES, room="r", identity="i", job_id="j").called == "+918071000001"


@pytest.mark.parametrize("written", ["anonymous", "", "sip:alice@example.com"])
def test_a_caller_that_is_no_number_is_kept_as_written(written: str) -> None:
    """Anonymous callers and names are callers too."""
    attributes = ATTRIBUTES | {dispatch.CALLER: written}
    assert read_call(WANTED, attributes=attributes, room="r", identity="i", job_id="j").caller == written


def test_a_leg_without_attributes_is_named_by_its_job() -> None:
    """A browser or a test has no SIP identity."""
    call = read_call(WANTED, attributes={}, room="r", identity="i", job_id="AJ_1")
    assert (call.call_id, call.sip_call_id, call.caller) == ("AJ_1", "", "")
    assert call.tag == call_tag("AJ_1")


@pytest.mark.parametrize("host", ["13.233.44.61/32", "10.0.0.0/8", "2001:db8::/32"])
def test_an_address_range_is_no_host(host: str) -> None:
    """LiveKit would take it for the carrier's."""
    assert is_forged({dispatch.HOSTNAME: host})


@pytest.mark.parametrize("host", ["13.233.44.61", "sip.vobiz.ai", "[2001:db8::1]", "anonymous.invalid", ""])
def test_hosts_are_hosts(host: str) -> None:
    """With or without a name; a leg that is no telephone has none."""
    assert not is_forged({dispatch.HOSTNAME: host})
    assert not is_forged({})


def test_a_call_cannot_be_changed() -> None:
    """It is a value."""
    call = read_call(WANTED, attributes=ATTRIBUTES, room="r", identity="i", job_id="j")
    with pytest.raises(dataclasses.FrozenInstanceError):
        call.caller = "+911"  # type: ignore[misc]
