"""The beep of a voicemail: one steady tone, neither short nor long, and silence after it. Pure.

Speech and music have several tones at once and no silence cut so sharply; a ringback or fax tone is longer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_S: Final = 0.02
SHORTEST_S: Final = 0.16
LONGEST_S: Final = 1.6
SILENCE_S: Final = 0.3
LOWEST_HZ: Final = 350.0
HIGHEST_HZ: Final = 2600.0
SAME_HZ: Final = 30.0
PURE: Final = 0.85
"""Share of a frame's energy that is at its strongest frequency."""
QUIET: Final = 130.0
"""RMS of 16-bit samples: -48 dBFS."""


EDGE_FRAMES: Final = 2
"""Frames of a beginning or ending tone that are not pure."""


class BeepDetector:
    """Takes mono samples of 16 bits in any pieces, and says when a beep is over."""

    def __init__(self, rate: int) -> None:
        self._size = int(rate * FRAME_S)
        self._window = np.hanning(2 * self._size)
        self._hertz = np.fft.rfftfreq(2 * self._size, 1 / rate)
        self._rest: NDArray[np.int16] = np.empty(0, np.int16)
        self._before: NDArray[np.int16] = np.zeros(self._size, np.int16)
        self._tone_hz = 0.0
        self._tone_frames = self._other_frames = self._quiet_frames = 0

    def push(self, samples: NDArray[np.int16]) -> bool:
        """Return whether a beep has ended with these samples."""
        heard = np.concatenate([self._rest, samples])
        whole = len(heard) - len(heard) % self._size
        self._rest = heard[whole:]
        found = False
        for start in range(0, whole, self._size):
            found = self._take(heard[start : start + self._size]) or found
        return found

    def _take(self, frame: NDArray[np.int16]) -> bool:
        both = np.concatenate([self._before, frame]).astype(np.float64)
        self._before = frame
        if np.sqrt(np.mean(frame.astype(np.float64) ** 2)) < QUIET:
            return self._hear_nothing()
        self._quiet_frames = 0
        self._hear(self._pure_tone(both))
        return False

    def _hear_nothing(self) -> bool:
        self._quiet_frames += 1
        if self._quiet_frames != round(SILENCE_S / FRAME_S):
            return False
        length_s, self._tone_frames = self._tone_frames * FRAME_S, 0
        return SHORTEST_S <= length_s <= LONGEST_S

    def _hear(self, hertz: float) -> None:
        if not hertz:
            self._other_frames += 1
            if self._other_frames > EDGE_FRAMES:
                self._tone_frames = 0
            return
        self._other_frames = 0
        is_same = self._tone_frames and abs(hertz - self._tone_hz) <= SAME_HZ
        self._tone_frames = self._tone_frames + 1 if is_same else 1
        self._tone_hz = hertz

    def _pure_tone(self, samples: NDArray[np.float64]) -> float:
        """Return the frequency of a sound that has but one, else 0."""
        power = np.abs(np.fft.rfft(samples * self._window)) ** 2
        strongest = self._hertz[int(np.argmax(power))]
        near = np.abs(self._hertz - strongest) <= 2 * self._hertz[1]
        is_pure = power[near].sum() >= PURE * power.sum()
        return float(strongest) if is_pure and LOWEST_HZ <= strongest <= HIGHEST_HZ else 0.0
