"""What was heard, told by its strongest frequency."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from lab.media.codec import Samples

LIMIT_S = 60.0
WINDOW_S = 0.4
QUIET = 300.0
NEAR_HZ = 12.0


async def until(condition: Callable[[], object], what: str, *, limit_s: float = LIMIT_S) -> None:
    """Wait for something that comes over a socket."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while not condition():
        assert loop.time() < deadline, f"within {limit_s:.0f} s: no {what}"
        await asyncio.sleep(0.01)


def tone(*hertz: int, rate: int, amplitude: int = 8000) -> Callable[[], Samples]:
    """Return a source of 20 ms frames without a break in the waves, one of this amplitude for each frequency."""
    frames, size = iter(range(10**9)), rate // 50

    def next_frame() -> Samples:
        place = (next(frames) * size + np.arange(size)) / rate
        return (np.sin(2 * np.pi * np.outer(hertz, place)).sum(axis=0) * amplitude).astype(np.int16)

    return next_frame


class Ear:
    """Tells what sounds now, by the last 0.4 s; `sound` is all that came."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._all: list[Samples] = []
        self._frames: deque[Samples] = deque()
        self._count = 0

    def push(self, samples: Samples) -> None:
        self._all.append(samples)
        self._frames.append(samples)
        self._count += len(samples)
        while self._count - len(self._frames[0]) >= self._rate * WINDOW_S:
            self._count -= len(self._frames.popleft())

    @property
    def sound(self) -> Samples:
        """Everything that came, one packet after the other."""
        return np.concatenate([np.zeros(0, np.int16), *self._all])

    @property
    def frequency(self) -> float | None:
        """The strongest frequency, None while there is too little or only silence."""
        if self._count < self._rate * WINDOW_S:
            return None
        heard = np.concatenate(self._frames).astype(np.float64)
        if np.sqrt(np.mean(heard**2)) < QUIET:
            return None
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        return float(np.argmax(spectrum) * self._rate / len(heard))

    def hears(self, frequency: int) -> bool:
        return self.frequency is not None and abs(self.frequency - frequency) < NEAR_HZ

    async def wait_for(self, frequency: int) -> None:
        await until(lambda: self.hears(frequency), f"tone of {frequency} Hz (last: {self.frequency})")
