"""What the caller hears while somebody is called: the hold sound, words that it goes on, the introduction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from livekit import rtc

from agent.conversation.handing_over import STILL_CONNECTING
from agent.transfer.briefing import Briefing
from agent.transfer.gates import Gates
from agent.transfer.guard import Confirmed
from agent.transfer.hold import HoldSound
from agent.transfer.machine import Phase
from telephony.manifest.targets import Target

STRICT_UPDATE_S: Final = 9.0
"""A caller who hears nothing else is told at least this often that they are not forgotten."""
_PRIVATE: Final = ("consulting", "introducing")


class CallerSide(Protocol):
    """What a transfer wants of the talk with the caller."""

    async def hear_out(self, sentence: str) -> None:
        """Say a sentence that cannot be interrupted; return when it was heard."""
        ...

    def be_silent(self) -> None:
        """Say nothing and hear nothing from now on: the caller talks to the human."""
        ...


class Waiting:
    """The caller's side of one transfer. `phase` and `human` tell where it is, and whose leg is there (None: nobody's).

    `tracks` are the agent's (sids) that are the caller's to hear: nobody else may.
    """

    def __init__(
        self,
        room: rtc.Room,
        gates: Gates,
        side: CallerSide,
        target: Target,
        *,
        phase: Callable[[], Phase],
        human: Callable[[], str | None],
        confirmed: Confirmed,
    ) -> None:
        self._room, self._gates, self._side, self._target = room, gates, side, target
        self._phase, self._human, self._confirmed = phase, human, confirmed
        self.tracks: list[str] = []
        self._hold: HoldSound | None = None
        self._updating: asyncio.Task[None] | None = None
        self._is_deaf = False

    async def begin(self, caller: str, *, deaf: bool) -> None:
        """Let the caller alone hear what the agent says to them, and the hold sound. Once; later calls do nothing.

        `deaf` says that their leg hears nothing else while the human is asked.
        """
        if self._hold is not None:
            return
        self._is_deaf = deaf
        self.tracks = list(self._room.local_participant.track_publications)
        self._gates.list_tracks({caller: self.tracks})
        self._hold = await HoldSound(self._room, self._target.hold).start()
        self.tracks.append(self._hold.sid)
        if self._target.update or deaf:
            self._updating = asyncio.create_task(self._confirmed(self._update(), None))

    async def introduce(self, briefing: Briefing) -> None:
        """Tell both whom they are going to talk to; return when both have heard it. Raises what `Gates` raises."""
        sentence = self._target.introduction or ""
        async with self._caller_hears_us():
            await asyncio.gather(self._side.hear_out(sentence), briefing.hear_out(sentence))

    def stop_updates(self) -> None:
        """Say no more that it goes on."""
        if self._updating is not None:
            self._updating.cancel()

    def hush(self) -> None:
        """Play and say nothing more to the caller."""
        self.stop_updates()
        if self._hold is not None:
            self._hold.hush()

    async def aclose(self) -> None:
        """Take the hold sound away."""
        if self._hold is not None:
            await self._hold.aclose()

    async def _update(self) -> None:
        """Tell the caller again and again that somebody is still being called, or briefed."""
        target = self._target
        every_s = min(target.update_every_s, STRICT_UPDATE_S) if self._is_deaf else target.update_every_s
        while True:
            await asyncio.sleep(every_s)
            if self._phase() in ("dialling", "consulting"):
                async with self._caller_hears_us():
                    await self._side.hear_out(target.update or STILL_CONNECTING)

    @asynccontextmanager
    async def _caller_hears_us(self) -> AsyncIterator[None]:
        """Let a caller hear the agent who hears nothing else: in a strict briefing the human is muted meanwhile."""
        human = self._human()
        if not self._is_deaf or human is None or self._phase() not in _PRIVATE:
            yield
            return
        await self._gates.mute(human, muted=True)
        if human == self._human() and self._phase() in _PRIVATE:
            await self._gates.let_caller_hear()
        yield
        if human == self._human() and self._phase() in _PRIVATE:
            await self._gates.close_caller()
            await self._gates.mute(human, muted=False)
