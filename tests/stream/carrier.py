"""The carrier's end of a stream: the lab's own play queue on a clock. It knows what the caller really heard."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lab.media.codec import Samples
from lab.media.g711 import ULAW_DECODE
from lab.vobiz.calls.phone_line import FRAME, PlayQueue
from stream.mouth import Clock

_TICK_S = 0.02


class Carrier:
    """A socket to it is a `Send`. `tell` gets the names of checkpoints that were reached.

    Sound must not hold zeros: zeros are the silence between, and are not counted in `heard`.
    `cleared_at` holds the samples heard at each clear.
    """

    def __init__(self, clock: Clock, *, start_s: float = 0.0) -> None:
        self.tell: Callable[[str], None] = lambda _: None
        self.cleared_at: list[int] = []
        self.names: list[str] = []
        self.lost = False
        self.frames_waiting_most = 0
        self._clock, self._start_s = clock, start_s
        self._queue = PlayQueue()
        self._queue.on_mark = lambda name: self.tell(name)
        self._heard: list[Samples] = []
        self._due_s = 0.0

    @property
    def heard(self) -> Samples:
        """All sound that the caller heard, without the silence between."""
        self._go_on()
        sound = np.concatenate([np.zeros(0, np.int16), *self._heard])
        return sound[sound != 0]

    @property
    def heard_ms(self) -> int:
        return len(self.heard) // 8

    def stand_still(self, seconds: float) -> None:
        """Play nothing for a while; what comes in the meantime waits."""
        self._go_on()
        self._due_s = max(self._due_s, self._clock.now_s()) + seconds

    async def play(self, payload: bytes) -> None:
        self._live()
        self._queue.play(ULAW_DECODE[np.frombuffer(payload, np.uint8)])
        self.frames_waiting_most = max(self.frames_waiting_most, len(self._queue._waiting))
        self._arm()

    async def checkpoint(self, name: str) -> None:
        self._live()
        self.names.append(name)
        self._queue.mark(name)
        self._arm()

    async def clear(self) -> None:
        self._live()
        self.cleared_at.append(len(self.heard))
        self._queue.clear()

    def _live(self) -> None:
        if self.lost:
            raise ConnectionError
        self._go_on()

    def _arm(self) -> None:
        """Tick from the carrier's next tick on: its clock is not ours."""
        now_s = self._clock.now_s()
        if len(self._queue._waiting) == 1 and self._due_s <= now_s:
            self._due_s = math.floor((now_s + self._start_s) / _TICK_S + 1) * _TICK_S
        if len(self._queue._waiting) == 1:
            self._clock.call_later(self._due_s - now_s, self._tick)

    def _tick(self) -> None:
        self._go_on()
        if self._queue._waiting:
            self._clock.call_later(max(self._due_s - self._clock.now_s(), 0.0), self._tick)

    def _go_on(self) -> None:
        while self._queue._waiting and self._due_s <= self._clock.now_s() + 1e-9:
            self._heard.append(self._queue.next_frame(FRAME))
            self._due_s += _TICK_S
