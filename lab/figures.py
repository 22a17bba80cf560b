"""Samples → n, p50, p95; the way every figure of this project is published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity. `missed` counts samples that should be there and are not (a turn without an answer)."""

    name: str
    unit: str
    n: int
    p50: float
    p95: float
    worst: float
    missed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the figure with its numbers rounded to 0.1."""
        numbers = {"p50": self.p50, "p95": self.p95, "max": self.worst}
        rounded = {key: None if math.isnan(value) else round(value, 1) for key, value in numbers.items()}
        return {"name": self.name, "unit": self.unit, "n": self.n, "missed": self.missed, **rounded}


def percentile(sorted_samples: Sequence[float], share: float) -> float:
    """Return the sample below which `share` (0..1) of all lie, by the nearest-rank method; NaN of nothing."""
    if not sorted_samples:
        return math.nan
    return sorted_samples[max(math.ceil(share * len(sorted_samples)), 1) - 1]


def figure(name: str, samples: Iterable[float | None], *, unit: str = "ms") -> Figure:
    """Summarise samples; None is a miss, which is counted and never averaged away."""
    everything = list(samples)
    present = sorted(sample for sample in everything if sample is not None)
    return Figure(
        name=name,
        unit=unit,
        n=len(present),
        p50=percentile(present, 0.50),
        p95=percentile(present, 0.95),
        worst=present[-1] if present else math.nan,
        missed=len(everything) - len(present),
    )
