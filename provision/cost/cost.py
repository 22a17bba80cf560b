"""The cost of a month as values: lines, columns side by side, and where their costs cross. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from provision.cost.rates import Platform, Rates
from provision.cost.traffic import Traffic
from telephony.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How many numbers are on trunks (agents, other SIP hosts) and on stream applications."""

    sip: int = 0
    stream: int = 0

    def __post_init__(self) -> None:
        if min(self.sip, self.stream) < 0:
            raise UserError("there cannot be fewer than no numbers")

    @property
    def total(self) -> int:
        """All numbers."""
        return self.sip + self.stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that costs: `quantity` of a `unit` at a price of `rate` each."""

    name: str
    quantity: float
    unit: str
    rate: float

    @property
    def exact(self) -> float:
        """INR, not rounded."""
        return self.quantity * self.rate

    @property
    def amount(self) -> float:
        """INR, to the paisa."""
        return round(self.exact, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A month by one way of connecting.

    `minutes` is the talk with the agent; `fixed` is what the month costs without any, `slope` what each minute adds.
    """

    name: str
    lines: tuple[Line, ...]
    minutes: float
    fixed: float
    slope: float

    @property
    def total(self) -> float:
        """INR a month: the sum of the lines as they are shown."""
        return round(sum(line.amount for line in self.lines), 2)

    @property
    def per_minute(self) -> float | None:
        """INR for a minute of talk, everything included; None when nobody talks."""
        return self.total / self.minutes if self.minutes else None

    def at(self, minutes: float) -> float:
        """Return the cost of another volume with calls of the same kind."""
        return self.fixed + self.slope * minutes

    def to_dict(self) -> dict[str, Any]:
        """Return the column as JSON values."""
        lines = [asdict(line) | {"amount": line.amount} for line in self.lines]
        return {"name": self.name, "lines": lines, "total": self.total, "per_minute": self.per_minute}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where the costs of two columns cross, and which of them is cheaper `below` and `above` those minutes a month.

    `minutes` is None when they do not cross: then both words name the one that is never dearer.
    """

    first: str
    second: str
    minutes: float | None
    below: str
    above: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a month costs, with what it was reckoned from.

    `columns` are all numbers on SIP trunks, all on streams, the mixture where there are both, and the other platform
    where one is given. `break_evens` hold that platform against each of ours.
    """

    numbers: Numbers
    traffic: Traffic
    rates: Rates
    platform: Platform | None
    columns: tuple[Column, ...]
    break_evens: tuple[BreakEven, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; amounts in INR without taxes."""
        billed = self.traffic.billed_minutes(self.rates.pulse_s)
        return {
            "currency": "INR",
            "numbers": asdict(self.numbers),
            "traffic": asdict(self.traffic) | {"minutes": self.traffic.minutes, "billed_minutes": billed},
            "rates": asdict(self.rates),
            "platform": None if self.platform is None else asdict(self.platform),
            "columns": [column.to_dict() for column in self.columns],
            "break_even": [asdict(point) for point in self.break_evens],
        }


def break_even(first: Column, second: Column) -> BreakEven:
    """Return where the costs of two columns cross."""
    idle, busy = _cheaper(first, second, "fixed"), _cheaper(first, second, "slope")
    if idle is None or busy is None or idle is busy:
        winner = (busy or idle or first).name
        return BreakEven(first=first.name, second=second.name, minutes=None, below=winner, above=winner)
    minutes = (second.fixed - first.fixed) / (first.slope - second.slope)
    return BreakEven(first=first.name, second=second.name, minutes=minutes, below=idle.name, above=busy.name)


def _cheaper(first: Column, second: Column, part: str) -> Column | None:
    """Return the column that has less of a part; None when they are equal, but for the noise of floats."""
    one, other = getattr(first, part), getattr(second, part)
    if math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
        return None
    return first if one < other else second
