"""Closes the gates between caller and human again and again while the human is consulted in the caller's room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from livekit import api

from agent.transfer.events import Event
from agent.transfer.gates import BOTH_WAYS_S, GUARD_EVERY_S, Gates
from telephony.manifest.targets import Mode

Confirmed = Callable[[Coroutine[Any, Any, None], Event | None], Coroutine[Any, Any, None]]
"""Tells an event when the work was done, and GateLost when that is not confirmed. Raises nothing of LiveKit's."""


class Guard:
    """Guards one human at a time: a leg that reconnects subscribes to what it was unsubscribed from.

    The human's leg subscribes to the caller soon after the answer: in the first second both directions are closed
    each time. A human who is muted at the server passes no gate.
    """

    def __init__(self, gates: Gates, *, confirmed: Confirmed) -> None:
        self._gates, self._confirmed = gates, confirmed
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_watching(self) -> bool:
        """Whether somebody is guarded."""
        return self._watching is not None

    async def shut_out(self, human: str, mode: Mode) -> None:
        """Close the gates until that holds; who is asked for a key is muted, too. Raises what `Gates` raises."""
        if mode == "press-1":
            await self._gates.mute(human, muted=True)
        await self._gates.shut_out(human)

    def watch(self, human: str, mode: Mode) -> None:
        """Guard this human from now on. Returns at once."""
        self.stop()
        self._watching = asyncio.create_task(self._watch(human, mode))

    def stop(self) -> None:
        """Guard nobody."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, human: str, mode: Mode) -> None:
        turns = round(BOTH_WAYS_S / GUARD_EVERY_S)
        for turn in count():
            await asyncio.sleep(GUARD_EVERY_S)
            is_whole = turn % turns == 0
            if mode == "press-1" and is_whole:
                await self._again(self._gates.mute(human, muted=True))
            if turn < turns or is_whole:
                await self._again(self._gates.part(human))
            elif mode != "press-1":
                await self._again(self._gates.keep_apart(human))

    async def _again(self, work: Coroutine[Any, Any, None]) -> None:
        await self._confirmed(_while_there(work), None)


async def _while_there(work: Coroutine[Any, Any, None]) -> None:
    """Let whoever has left be: the room tells of it a moment later, and a track that is gone needs no gate."""
    try:
        await work
    except api.ServerError as error:
        if error.code != "not_found":
            raise
