"""The strategy `gated_room`: the human is dialled into the caller's room, behind gates that a guard keeps closed."""

from __future__ import annotations

from livekit import rtc

from agent.transfer.gates import Gates
from agent.transfer.guard import Guard
from agent.transfer.leg import HumanLeg
from agent.transfer.waiting import Waiting
from telephony.manifest.targets import Mode, Privacy


class GatedRoom:
    """The caller's room as a `Place`. Who was called before, or is not asked, is dialled here with every strategy."""

    def __init__(
        self, room: rtc.Room, gates: Gates, guard: Guard, waiting: Waiting, *, caller: str, privacy: Privacy
    ) -> None:
        self.room = room
        self._gates, self._guard, self._waiting = gates, guard, waiting
        self._caller, self._privacy = caller, privacy

    async def open(self) -> None:
        """Close the gates: the caller's leg hears nothing. Raises what `Gates` raises, as all of this does."""
        self._gates.list_tracks({self._caller: self._waiting.tracks})
        await self._gates.close_caller()

    async def shut_out(self, human: str, mode: Mode) -> None:
        """Close the gates between both until that holds."""
        await self._guard.shut_out(human, mode)

    def guard(self, human: str, mode: Mode, *, anew: bool) -> None:
        """Close them again and again. Returns at once."""
        if anew or not self._guard.is_watching:
            self._guard.watch(human, mode)

    async def part(self, human: str) -> None:
        """Close both directions, once."""
        await self._gates.part(human)

    def let_hear(self, human: str, voice: str) -> None:
        """Let the human hear the voice of the briefing, and the caller what is theirs."""
        self._gates.list_tracks({self._caller: self._waiting.tracks, human: [voice]})

    async def merge(self, leg: HumanLeg, mode: Mode) -> None:
        """Open the gates both ways."""
        self._guard.stop()
        if mode == "press-1" or (mode == "warm" and self._privacy == "strict"):
            await self._gates.mute(leg.identity, muted=False)
        await self._gates.merge(leg.identity)

    async def aclose(self) -> None:
        """Guard nobody."""
        self._guard.stop()
