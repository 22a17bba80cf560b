"""How long a lease lasts, judged by the clocks of whoever asks. Pure but for `system_now`."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

LEASE_S: Final = 30.0
MARGIN: Final = 1 / 6
"""The part of a lease at its end in which its holder already begins no write, since a write takes time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One moment by both clocks: `wall_s` since 1970, which can jump, and `steady_s`, which stops in a suspend."""

    wall_s: float
    steady_s: float


Clock = Callable[[], Now]


def system_now() -> Now:
    """Return this moment by the machine's clocks."""
    return Now(wall_s=time.time(), steady_s=time.monotonic())


def utc(wall_s: float) -> datetime:
    """Return seconds since 1970 as a moment."""
    return datetime.fromtimestamp(wall_s, UTC)


@dataclass(frozen=True, slots=True)
class Term:
    """A lease as its holder sees it. `begun` is taken before the lease is asked for, so it never ends too late."""

    begun: Now
    lease_s: float

    def over(self, now: Now) -> bool:
        """Return whether another run may take the lease soon, by either clock."""
        passed_s = max(now.wall_s - self.begun.wall_s, now.steady_s - self.begun.steady_s)
        return passed_s >= self.lease_s * (1 - MARGIN)


class Watch:
    """How long a waiting run has seen a lease without a sign of life, by its own steady clock.

    This ends a dead holder's lease also when the wall clock was set back, and no live one: whoever is not renewed for
    that long has been told by its own clock.
    """

    def __init__(self) -> None:
        self._sign: Hashable = None
        self._first_seen_s = 0.0

    def still(self, sign: Hashable, *, lease_s: float, now: Now) -> bool:
        """Return whether `sign`, which every renewal changes, has been the same for a whole lease."""
        if sign != self._sign:
            self._sign, self._first_seen_s = sign, now.steady_s
        return now.steady_s - self._first_seen_s >= lease_s
