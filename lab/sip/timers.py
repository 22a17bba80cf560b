"""The timers of RFC 3261 table 4, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """T1, T2, T4 and what follows from them. Tests shorten T1; everything else follows."""

    t1_s: float = 0.5
    t2_s: float = 4.0
    t4_s: float = 5.0

    @property
    def give_up_s(self) -> float:
        """Timers B, F, H, J, L, M: 64*T1."""
        return 64 * self.t1_s

    @property
    def absorb_s(self) -> float:
        """Timer D: at least 32 s with T1 = 0.5 s over UDP."""
        return 64 * self.t1_s
