"""How fast one run may ask a server: all its requests share one budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_LONGEST_WAIT_S: Final = 30.0


class Pace:
    """At most `parallel` requests at once; when one is refused as too many, all wait.

    `first_wait_s` is the pause when the server does not say how long; it doubles until a request is taken again.
    """

    def __init__(self, *, parallel: int, first_wait_s: float) -> None:
        self._places = asyncio.Semaphore(parallel)
        self._first_wait_s = first_wait_s
        self._wait_s = first_wait_s
        self._resume_s = 0.0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and for the end of a pause."""
        async with self._places:
            while (left_s := self._resume_s - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            yield

    def taken(self) -> None:
        """Tell that a request was taken."""
        self._wait_s = self._first_wait_s

    def refused(self, *, asked_s: float) -> None:
        """Tell that a request was refused as one too many; `asked_s` is the server's own word, 0 when it has none."""
        now_s = time.monotonic()
        if asked_s <= 0 and self._resume_s > now_s:
            return  # the others of the same burst
        wait_s = asked_s if asked_s > 0 else self._wait_s
        if asked_s <= 0:
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        self._resume_s = max(self._resume_s, now_s + min(wait_s, _LONGEST_WAIT_S))
