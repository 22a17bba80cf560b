"""A blind transfer by REFER (RFC 3515) on the caller's leg: the carrier calls the human, and LiveKit is out of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import aiohttp
from livekit import api

from agent.transfer.events import Event, ReferFailed, Referred, ReferRefused
from agent.transfer.outcome import DialFailure, outcome_of_refer
from telephony.manifest.targets import Person

log = logging.getLogger("dialroom.transfer")

_REPLY_MARGIN_S: Final = 5.0
"""LiveKit ends the REFER at `ring_s`; this is for its answer to arrive."""


def refer_to(person: Person, *, domain: str) -> str:
    """Return the Refer-To: a number at the carrier's own domain where that is known, as Vobiz wants it, else as tel."""
    if person.uri is not None:
        return person.call
    return f"sip:{person.call}@{domain}" if domain else f"tel:{person.call}"


async def refer(
    client: api.LiveKitAPI, *, room: str, caller: str, to: str, ring_s: int, headers: Mapping[str, str]
) -> tuple[Event, int | None]:
    """Refer the caller's leg, and return what came of it: Referred, ReferRefused or ReferFailed, with the SIP status.

    Success is that no error comes: livekit-server 1.13.5 leaves its answer empty.
    """
    request = api.TransferSIPParticipantRequest(
        room_name=room, participant_identity=caller, transfer_to=to, play_dialtone=False, headers=dict(headers)
    )
    request.ringing_timeout.FromSeconds(ring_s)
    try:
        await client.sip.transfer_sip_participant(request, timeout=ring_s + _REPLY_MARGIN_S)
    except api.ServerError as error:
        status = error.sip_status_code if isinstance(error, api.SipCallError) else None
        outcome = outcome_of_refer(DialFailure(sip_status=status, code=error.code, words=error.message))
        log.info("a REFER failed", extra={"sip_status": status, "code": error.code, "outcome": outcome or "refused"})
        return (ReferRefused() if outcome is None else ReferFailed(outcome)), status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("LiveKit does not answer a REFER", extra={"error": type(error).__name__})
        return ReferFailed("unknown"), None
    return Referred(), None
