"""Clocks for the mouth: one that a test turns by hand, one that runs as fast as a test wants."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_SETTLE = 10
"""Turns of the loop in which everything that can be done without time is done."""


@dataclass(order=True)
class _Alarm:
    at_s: float
    order: int
    ring: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class HandClock:
    """Stands still until `turn`."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._alarms: list[_Alarm] = []
        self._orders = itertools.count()

    def now_s(self) -> float:
        return self._now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> _Alarm:
        alarm = _Alarm(self._now_s + delay_s, next(self._orders), callback)
        heapq.heappush(self._alarms, alarm)
        return alarm

    async def turn(self, seconds: float) -> None:
        """Let so much time go by, and everything happen that is due in it."""
        until_s = self._now_s + seconds
        await settle()
        while self._alarms and self._alarms[0].at_s <= until_s:
            alarm = heapq.heappop(self._alarms)
            if not alarm.cancelled:
                self._now_s = max(self._now_s, alarm.at_s)
                alarm.ring()
                await settle()
        self._now_s = until_s


class GearedClock:
    """Goes `speed` times as fast as time, which may be changed at any moment.

    Slow where a test measures: what a busy machine takes between two steps is then little of the clock's own time.
    """

    def __init__(self, speed: float) -> None:
        self._since_s, self._then_s, self._speed = time.monotonic(), 0.0, speed

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._then_s, self._since_s = self.now_s(), time.monotonic()
        self._speed = speed

    def now_s(self) -> float:
        return self._then_s + (time.monotonic() - self._since_s) * self._speed

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay_s / self._speed, callback)


async def settle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(_SETTLE):
        await asyncio.sleep(0)
