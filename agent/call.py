"""Who is calling: the attributes of the caller's leg and the job's metadata → a frozen `Call`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telephony import dispatch
from telephony.call_tag import call_tag
from telephony.numbers import NumberError, parse_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One caller's visit.

    `call_id` is LiveKit's id of the leg; `sip_call_id` the SIP Call-ID, which the carrier's records share. `caller` and
    `called` are E.164 where they are numbers, else as the carrier wrote them; `caller` is "" for an anonymous one.
    `trunk` is LiveKit's id of the inbound trunk. What a leg does not tell is "".
    """

    call_id: str
    sip_call_id: str
    caller: str
    called: str
    trunk: str
    agent: str
    deployment: str
    room: str
    identity: str

    @property
    def tag(self) -> str:
        """The name of the call at speech services."""
        return call_tag(self.sip_call_id or self.call_id)


def read_call(
    wanted: dispatch.DispatchMetadata, *, attributes: Mapping[str, str], room: str, identity: str, job_id: str
) -> Call:
    """Return the call that a job is about. `job_id` names it where the leg is no telephone and has no id."""
    return Call(
        call_id=attributes.get(dispatch.CALL_ID) or job_id,
        sip_call_id=attributes.get(dispatch.CALL_ID_FULL, ""),
        caller=_number(attributes.get(dispatch.CALLER, "")),
        called=wanted.number or _number(attributes.get(dispatch.CALLED, "")),
        trunk=attributes.get(dispatch.TRUNK_ID, ""),
        agent=wanted.agent,
        deployment=wanted.deployment,
        room=room,
        identity=identity,
    )


def is_forged(attributes: Mapping[str, str]) -> bool:
    """Say whether a caller wrote an address range where From has its host.

    LiveKit takes the very text of an allowed range there for the carrier's address and looks at no other (server
    1.13.5; livekit-sip passes any text on), so nobody knows whose call it is. No host has a slash.
    """
    return "/" in attributes.get(dispatch.HOSTNAME, "")


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberError:
        return text
