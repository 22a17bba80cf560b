"""The human's side of a transfer: the room they are dialled into, their leg, the talk with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from livekit import api, rtc

from agent.conversation.handing_over import CALLED_AGAIN
from agent.transfer import events
from agent.transfer.briefing import Briefing, Decide
from agent.transfer.commands import Where
from agent.transfer.consultation_room import Access, ConsultationRoom
from agent.transfer.events import Event
from agent.transfer.gated_room import GatedRoom
from agent.transfer.gates import Gates
from agent.transfer.guard import Confirmed, Guard
from agent.transfer.leg import HumanLeg
from agent.transfer.machine import Phase
from agent.transfer.strategy import Place
from agent.transfer.waiting import Waiting
from telephony.manifest.targets import Mode, Target

FREE_LINE_S: Final = 0.5
"""From the end of a leg to the next call: it may be to the same line, where the BYE has to come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way out: LiveKit's outbound trunk ("" when there is none), the carrier's host, the number to show."""

    trunk_id: str
    domain: str
    caller_id: str


class MakeBriefing(Protocol):
    """Makes the talk with a human in a room, whose leg has this SIP Call-ID, for a mode that has one."""

    def __call__(self, room: rtc.Room, sip_call_id: str, mode: Mode, decide: Decide) -> Briefing:
        """Return it, not begun."""
        ...


class HumanSide:
    """One human after the other, each behind gates or in a room of their own until they are merged.

    What happens to them is put in by `tell`; `phase` is where the transfer is, `spawn` runs a step of it, and
    `confirmed` tells what came of one.
    """

    def __init__(
        self,
        room: rtc.Room,
        client: api.LiveKitAPI,
        access: Access,
        gates: Gates,
        waiting: Waiting,
        *,
        caller: str,
        target: Target,
        make_briefing: MakeBriefing,
        phase: Callable[[], Phase],
        tell: Callable[[Event], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        confirmed: Confirmed,
    ) -> None:
        self._room, self._client, self._access, self._gates = room, client, access, gates
        self._target, self._make_briefing = target, make_briefing
        self._phase, self._tell, self._spawn, self._confirmed = phase, tell, spawn, confirmed
        self._guard = Guard(gates, confirmed=confirmed)
        self._callers_room = GatedRoom(room, gates, self._guard, waiting, caller=caller, privacy=target.privacy)
        self._place: Place = self._callers_room
        self._beside: list[ConsultationRoom] = []
        self._mode: Mode = target.mode
        self.leg: HumanLeg | None = None
        self.briefing: Briefing | None = None

    @property
    def place(self) -> Place:
        """The room that is open, or was last."""
        return self._place

    async def leave(self, place: Place) -> None:
        """Leave the room of the human before this one, and let their line become free. Raises nothing."""
        if place is not self._callers_room:
            await place.aclose()
            await asyncio.sleep(FREE_LINE_S)

    async def open(self, where: Where) -> None:
        """Make it safe to dial into a room. Raises what `Place` says."""
        self._place = self._callers_room if where == "callers_room" else self._room_beside()
        await self._place.open()

    def dial(self, person: int, mode: Mode, line: Line) -> HumanLeg:
        """Dial a person into the room that is open. Returns at once."""
        leg = HumanLeg(
            self._place.room,
            self._client,
            on_track=lambda: self._later(self._shut_out(leg, mode)),
            on_answered=lambda: self._later(self._answered(leg, mode)),
            on_failed=lambda outcome: self._tell(events.DialFailed(outcome)),
            on_gone=lambda: self._tell(events.HumanGone()),
            on_key=self._on_key,
        )
        self.leg, self._mode = leg, mode
        leg.dial(
            self._target.people[person],
            trunk_id=line.trunk_id,
            caller_id=self._target.caller_id or line.caller_id,
            name=self._target.says,
            headers=self._target.headers,
        )
        return leg

    async def tell_of_redial(self) -> None:
        """Tell them that they are called again; return when they have heard it."""
        assert self.briefing is not None
        await self.briefing.hear_out(CALLED_AGAIN)

    async def merge(self) -> str:
        """Let them and the caller hear each other, and return their identity. Raises what `Place` says."""
        assert self.leg is not None
        leg = self.leg
        await self._place.merge(leg, self._mode)
        await self._gates.mark_bridged(leg.identity)
        return leg.identity

    async def drop(self, *, remove: bool) -> None:
        """Have nothing more to do with them; `remove` ends their leg, too, and soon their room."""
        self._guard.stop()
        place, self._place = self._place, self._callers_room
        leg, self.leg = self.leg, None
        talk, self.briefing = self.briefing, None
        if leg is not None:
            leg.close()
            if remove:
                leg.remove()
        if talk is not None:
            await talk.aclose()
        if place is not self._callers_room:
            self._later(place.aclose())

    async def aclose(self) -> None:
        """Wait until no room beside the caller's is left. Raises nothing."""
        await asyncio.gather(*(room.aclose() for room in self._beside))

    def _room_beside(self) -> ConsultationRoom:
        room = ConsultationRoom(
            self._room, self._client, self._gates, self._access, lost=lambda: self._tell(events.GateLost())
        )
        self._beside.append(room)
        return room

    async def _shut_out(self, leg: HumanLeg, mode: Mode) -> None:
        if leg is not self.leg or self._is_merging:
            return
        place, seen, closed = self._place, leg.times_seen, False

        async def close() -> None:
            nonlocal closed
            try:
                await place.shut_out(leg.identity, mode)
                closed = True
            except api.ServerError as error:
                if error.code != "not_found" or not (leg.is_away or leg.times_seen != seen):
                    raise

        await self._confirmed(close(), None)
        if closed and leg.times_seen == seen and not leg.is_away:  # else its next track is shut out anew
            self._tell(events.HumanShutOut())
        if leg is self.leg and not self._is_merging:
            place.guard(leg.identity, mode, anew=False)

    async def _answered(self, leg: HumanLeg, mode: Mode) -> None:
        if mode == "blind":
            self._tell(events.Answered())
        else:
            self._place.guard(leg.identity, mode, anew=True)
            await self._confirmed(self._let_human_hear(leg, mode), events.Answered())

    async def _let_human_hear(self, leg: HumanLeg, mode: Mode) -> None:
        place = self._place
        await place.part(leg.identity)
        talk = self._make_briefing(place.room, leg.sip_call_id, mode, lambda answer: self._tell(events.Decided(answer)))
        sid = await talk.publish(leg.identity)
        if leg is not self.leg:  # given up meanwhile
            await talk.aclose()
            return
        self.briefing = talk
        place.let_hear(leg.identity, sid)

    @property
    def _is_merging(self) -> bool:
        return self._phase() in ("merging", "over")

    def _on_key(self, key: str) -> None:
        if self.briefing:
            self.briefing.press(key)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._spawn(work)
