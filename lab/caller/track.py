"""One direction of a call as it was on the wire: the sound, and when it was audible."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

import numpy as np

from lab.caller.loudness import is_audible
from lab.media.codec import Codec, Samples

_REANCHOR_S = 0.3
"""A sender whose timestamps and arrivals part by more than this has begun anew."""


class Track:
    """Frames placed by their RTP timestamps, which are anchored to the wire clock (time.monotonic) by the first one.

    `audible_s` are the times of the packets that were audible, in order. Sound is kept unless `keep` is False.
    """

    def __init__(self, *, sample_rate: int, keep: bool = True) -> None:
        self.sample_rate = sample_rate
        self.audible_s = array("d")
        self.last_audible_s: float | None = None
        self._keep = keep
        self._pieces: list[tuple[float, Samples]] = []
        self._anchor: tuple[int, float] | None = None

    def add(self, frame: Samples, *, timestamp: int, at_s: float) -> bool:
        """Take a frame; say whether it was audible."""
        begins_s = self._place(timestamp, at_s)
        if self._keep and frame.any():
            self._pieces.append((begins_s, frame))
        if not is_audible(frame):
            return False
        self.audible_s.append(at_s)
        self.last_audible_s = at_s
        return True

    def first_audible_from(self, at_s: float) -> float | None:
        """Return when the first audible packet at or after `at_s` was on the wire."""
        place = bisect_left(self.audible_s, at_s)
        return self.audible_s[place] if place < len(self.audible_s) else None

    def last_audible_until(self, at_s: float) -> float | None:
        """Return when the last audible packet at or before `at_s` was on the wire."""
        place = bisect_right(self.audible_s, at_s)
        return self.audible_s[place - 1] if place else None

    def sound(self, from_s: float, to_s: float) -> Samples:
        """Return the sound between two times; silence where there was none."""
        out = np.zeros(max(round((to_s - from_s) * self.sample_rate), 0), np.int16)
        for begins_s, piece in self._pieces:
            start = round((begins_s - from_s) * self.sample_rate)
            first, last = max(start, 0), min(start + len(piece), len(out))
            if first < last:
                out[first:last] = piece[first - start : last - start]
        return out

    def _place(self, timestamp: int, at_s: float) -> float:
        if self._anchor:
            ahead = ((timestamp - self._anchor[0] + 2**31) & 0xFFFFFFFF) - 2**31
            begins_s = self._anchor[1] + ahead / Codec.clock_rate
            if abs(begins_s - at_s) <= _REANCHOR_S:
                return begins_s
        self._anchor = (timestamp, at_s)
        return at_s
