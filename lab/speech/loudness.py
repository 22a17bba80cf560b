"""Is it speech or silence? Windows of 10 ms, by energy: on a line of the lab nothing else makes a sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.01
SPEECH_RMS = 180.0  # of 32768: -45 dBFS


@dataclass(frozen=True, slots=True)
class Window:
    """10 ms: when they end (seconds of received audio) and whether they are loud."""

    end_s: float
    loud: bool


class Loudness:
    """Cuts a stream of int16 bytes into windows."""

    def __init__(self, sample_rate: int) -> None:
        self._size = int(sample_rate * WINDOW_S)
        self._rest = np.zeros(0, np.int16)
        self._windows = 0

    def feed(self, samples: NDArray[np.int16]) -> Iterator[Window]:
        """Yield the windows that are now complete."""
        self._rest = np.concatenate([self._rest, samples])
        count = len(self._rest) // self._size
        blocks = self._rest[: count * self._size].reshape(count, self._size).astype(np.float32)
        self._rest = self._rest[count * self._size :]
        for rms in np.sqrt(np.mean(blocks * blocks, axis=1)):
            self._windows += 1
            yield Window(self._windows * WINDOW_S, bool(rms > SPEECH_RMS))


class Utterances:
    """Speech between silences: it ends after `silence_s` of silence; what is shorter than `least_s` is noise."""

    def __init__(self, *, silence_s: float = 0.35, least_s: float = 0.12) -> None:
        self._silence_s, self._least_s = silence_s, least_s
        self._start_s: float | None = None
        self._last_loud_s = 0.0
        self._loud_s = 0.0

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun and not ended."""
        return self._start_s is not None

    def feed(self, window: Window) -> tuple[float, float] | None:
        """Return (start, end) in seconds of received audio when an utterance has just ended."""
        if window.loud:
            if self._start_s is None:
                self._start_s, self._loud_s = window.end_s - WINDOW_S, 0.0
            self._last_loud_s, self._loud_s = window.end_s, self._loud_s + WINDOW_S
        elif self._start_s is not None and window.end_s - self._last_loud_s >= self._silence_s:
            start_s, self._start_s = self._start_s, None
            if self._loud_s >= self._least_s:
                return start_s, self._last_loud_s
        return None
