"""How fast one run may ask a server: all its requests share one budget, which is learnt from refusals."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LONGEST_WAIT_S: Final = 30.0
_WINDOW_S: Final = 0.5
_LEAST_PER_S: Final = 1.0
_FIRST_CUT: Final = 0.7
"""Of the rate at the first refusal: a bucket's burst stands in it."""
_CUT: Final = 0.95
_FASTER: Final = 0.00002


class Pace:
    """At most `parallel` requests at once, and after the first refusal no more per second than were taken before it.

    A refusal makes all wait, for as long as the server says, else for `first_wait_s`, doubled until a request is taken
    again. Then requests leave evenly, slower than at the refusal, and a little faster with each that is taken.
    """

    def __init__(self, *, parallel: int, first_wait_s: float) -> None:
        self._places = asyncio.Semaphore(parallel)
        self._first_wait_s = first_wait_s
        self._wait_s = first_wait_s
        self._resume_s = 0.0
        self._per_s: float | None = None
        self._next_s = 0.0
        self._taken: deque[float] = deque()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, for the end of a pause, and for one's turn."""
        async with self._places:
            while (left_s := self._resume_s - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            if self._per_s is not None:
                now_s = time.monotonic()
                turn_s = max(self._next_s, now_s)
                self._next_s = turn_s + 1 / self._per_s
                await asyncio.sleep(turn_s - now_s)
            yield

    def taken(self) -> None:
        """Tell that a request was taken."""
        self._wait_s = self._first_wait_s
        now_s = time.monotonic()
        self._taken.append(now_s)
        while self._taken[0] < now_s - _WINDOW_S:
            self._taken.popleft()
        if self._per_s is not None:
            self._per_s *= 1 + _FASTER

    def refused(self, *, asked_s: float) -> None:
        """Tell that a request was refused as one too many; `asked_s` is the server's own word, 0 when it has none."""
        now_s = time.monotonic()
        if self._resume_s > now_s:
            return  # one of the same burst
        self._learn(now_s)
        wait_s = asked_s if asked_s > 0 else self._wait_s
        if asked_s <= 0:
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        self._resume_s = now_s + min(wait_s, _LONGEST_WAIT_S)
        self._next_s = self._resume_s

    def _learn(self, now_s: float) -> None:
        if self._per_s is None:
            recent = sum(at_s > now_s - _WINDOW_S for at_s in self._taken)
            self._per_s = max(recent / _WINDOW_S * _FIRST_CUT, _LEAST_PER_S)
        else:
            self._per_s = max(self._per_s * _CUT, _LEAST_PER_S)
