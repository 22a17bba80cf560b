"""The caller's leg in a LiveKit room: whoever ends the call deletes the room, which hangs up the leg."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from livekit import rtc
from livekit.agents import JobContext

from agent.caller_leg import LegEvents, LegStatus
from agent.departures import Departures
from telephony.dispatch import CALL_STATUS

DELETE_LIMIT_S: Final = 5.0


class RoomLeg:
    """The leg of the participant `identity` in a job's room."""

    def __init__(self, ctx: JobContext, *, identity: str) -> None:
        self._ctx, self._identity = ctx, identity
        self._status: LegStatus = "ringing"
        self._departures: Departures | None = None
        self._deleted: asyncio.Future[Any] | None = None

    def status(self) -> LegStatus:
        """Return the status. A participant that is no telephone (a browser) has none, and is active."""
        caller = self._ctx.room.remote_participants.get(self._identity)
        if caller is None:
            comes_again = self._departures is not None and self._departures.is_away(self._identity)
            return self._status if comes_again else "gone"
        told = caller.attributes.get(CALL_STATUS, "active")
        if told == "hangup":
            return "gone"
        self._status = "active" if told == "active" else "ringing"
        return self._status

    def follow(self, events: LegEvents) -> None:
        """Tell `events` from now on."""

        def on_attributes(_changed: object, participant: rtc.Participant) -> None:
            if participant.identity == self._identity:
                events.on_status()

        def on_gone(identity: str) -> None:
            # Told for every reason to leave: the framework closes the session for some of them only.
            if identity == self._identity:
                events.on_status()
                events.on_left()

        def on_key(event: rtc.SipDTMF) -> None:
            if event.participant is None or event.participant.identity == self._identity:
                events.on_key(event.digit)

        async def on_closing(reason: str) -> None:
            departures.close()
            await events.on_closing(reason)
            if self._deleted is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._deleted, DELETE_LIMIT_S)

        self.status()
        self._departures = departures = Departures(self._ctx.room, on_gone)
        self._ctx.room.on("participant_attributes_changed", on_attributes)
        self._ctx.room.on("sip_dtmf_received", on_key)
        self._ctx.add_shutdown_callback(on_closing)

    def end(self, reason: str) -> None:
        """Delete the room and end the job."""
        self._deleted = self._ctx.delete_room()
        self._ctx.shutdown(reason)

    def leave(self, reason: str) -> None:
        """End the job: the room stays to those who are in it."""
        self._ctx.shutdown(reason)
