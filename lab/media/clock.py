"""One 20 ms clock for all RTP sessions of a process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from types import TracebackType
from typing import Protocol, Self

logger = logging.getLogger(__name__)
PERIOD_S = 0.02
PHASES = 4
"""Sessions are spread over the period, so that many of them do not send in one burst."""
CATCH_UP_S = 1.0
"""A longer standstill (a suspended machine) is skipped instead of made up for."""


class Paced(Protocol):
    """Something that sends on every tick."""

    def tick(self, due_s: float) -> None:
        """Send now; `due_s` is when it should have happened (time.monotonic)."""


class MediaClock:
    """Ticks every 20 ms at start + n * 20 ms, never drifting; ticks that are late are made up for at once.

    An async context manager with one task for all sessions, which are spread over the 20 ms in four phases.
    """

    def __init__(self) -> None:
        self._groups: list[list[Paced]] = [[] for _ in range(PHASES)]
        self._occupied = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="media clock")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop. May be called twice."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def add(self, paced: Paced) -> None:
        """Tick `paced` from now on, in the emptiest phase."""
        min(self._groups, key=len).append(paced)
        self._occupied.set()

    def remove(self, paced: Paced) -> None:
        """Stop ticking it; nothing happens when it was not added."""
        for group in self._groups:
            if paced in group:
                group.remove(paced)
        if not any(self._groups):
            self._occupied.clear()

    async def _run(self) -> None:
        step_s = PERIOD_S / PHASES
        start_s, count = time.monotonic(), 0
        while True:
            if not self._occupied.is_set():
                await self._occupied.wait()
                start_s, count = time.monotonic(), 0
            group = self._groups[count % PHASES]
            due_s = start_s + count * step_s
            late_s = time.monotonic() - due_s
            if late_s > CATCH_UP_S:
                start_s += late_s
                continue
            if group:
                await asyncio.sleep(max(-late_s, 0))
                self._tick(list(group), due_s)
            count += 1

    def _tick(self, group: list[Paced], due_s: float) -> None:
        for paced in group:
            try:
                paced.tick(due_s)
            except Exception:
                logger.exception("a frame was lost to an error of ours")
