"""Counting what came, what did not, and how punctually we sent."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

_BIN_MS = 0.1
_BINS = 1000
_HALF = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpStats:
    """Counts since the session was opened. Send jitter is how late packets left against the clock, in ms.

    `lost` are sequence numbers that never came; `foreign` are datagrams that are no RTP or of another payload type.
    """

    sent: int
    received: int
    lost: int
    duplicates: int
    reordered: int
    foreign: int
    send_jitter_p50_ms: float
    send_jitter_p99_ms: float


class Lateness:
    """Percentiles of delays in constant memory: bins of 0.1 ms up to 100 ms."""

    def __init__(self) -> None:
        self._bins = array("L", [0]) * (_BINS + 1)
        self._count = 0

    def add(self, seconds: float) -> None:
        """Count one delay."""
        place = int(max(seconds, 0) * 1000 / _BIN_MS)
        self._bins[min(place, _BINS)] += 1
        self._count += 1

    def merge(self, other: Lateness) -> None:
        """Count what the other has counted."""
        self._bins = array("L", (mine + theirs for mine, theirs in zip(self._bins, other._bins, strict=True)))
        self._count += other._count

    def percentile_ms(self, percent: float) -> float:
        """Return the upper edge of the bin that holds the percentile, 0 without any delay."""
        wanted, seen = self._count * percent / 100, 0
        for place, count in enumerate(self._bins):
            seen += count
            if count and seen >= wanted:
                return round((place + 1) * _BIN_MS, 1)
        return 0.0


class Arrivals:
    """Sequence numbers of one stream: losses, repetitions, order (RFC 3550 appendix A.1)."""

    def __init__(self) -> None:
        self.received = 0
        self.duplicates = 0
        self.reordered = 0
        self._ssrc: int | None = None
        self._base = 0
        self._highest = 0
        self._before = 0
        self._recent: dict[int, None] = {}

    def add(self, ssrc: int, sequence: int) -> bool:
        """Count a packet; False when it came before."""
        if ssrc != self._ssrc:
            self._restart(ssrc, sequence)
        place = self._highest + ((sequence - self._highest + _HALF) & 0xFFFF) - _HALF
        if place in self._recent:
            self.duplicates += 1
            return False
        self._remember(place)
        self.received += 1
        if place < self._highest:
            self.reordered += 1
            self._base = min(self._base, place)
        self._highest = max(self._highest, place)
        return True

    @property
    def lost(self) -> int:
        """Packets between the first and the newest that never came."""
        if self._ssrc is None:
            return 0
        return max(self._before + self._highest - self._base + 1 - self.received, 0)

    def _restart(self, ssrc: int, sequence: int) -> None:
        self._before = self.lost + self.received
        self._ssrc, self._base, self._highest = ssrc, sequence, sequence
        self._recent.clear()

    def _remember(self, place: int) -> None:
        self._recent[place] = None
        if len(self._recent) > 128:
            del self._recent[next(iter(self._recent))]
