"""A month's calls, and how many minutes of them are billed. Pure.

Vobiz bills every leg by itself, from answer to hang-up, each started pulse whole; ringing and calls that nobody answers
are free (https://www.vobiz.ai/docs/xml/dial/transferred-calls). A caller who is transferred keeps their leg to the end,
and the human is a second leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from telephony.errors import UserError

DEFAULT_MEAN_S = 180.0
_SAME = 1e-4
"""Means that differ by less than this share count as equal: the formula for others divides by their difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Answered calls of a month, over all numbers.

    A call lasts `mean_s` with the agent on average; the share `transfer_share` of them then goes on for
    `mean_transfer_s` with a human (their briefing included). Lengths are taken as exponentially distributed, as
    telephone traffic usually is, which is what decides how much rounding up costs.

    Raises:
        UserError: counts and lengths that cannot be.
    """

    calls: float
    mean_s: float = DEFAULT_MEAN_S
    transfer_share: float = 0.0
    mean_transfer_s: float = DEFAULT_MEAN_S

    def __post_init__(self) -> None:
        if not math.isfinite(self.calls) or self.calls < 0:
            raise UserError(f"{self.calls} calls a month cannot be; write a number from 0 up")
        for name, length_s in (("a call", self.mean_s), ("a transfer", self.mean_transfer_s)):
            if not math.isfinite(length_s) or not 1 <= length_s <= 86_400:
                raise UserError(f"{length_s} seconds cannot be the mean length of {name}; it is from 1 to 86400")
        if not 0 <= self.transfer_share <= 1:
            raise UserError(
                f"{self.transfer_share} cannot be the share of calls that are transferred; it is from 0 to 1"
            )

    @property
    def minutes(self) -> float:
        """Minutes that callers talk with the agent: the volume that costs are shown over."""
        return self.calls * self.mean_s / 60

    def billed_minutes(self, pulse_s: int) -> float:
        """Expected minutes on the bill for the callers' legs."""
        share = self.transfer_share
        pulses = (1 - share) * expected_pulses(self.mean_s, pulse_s)
        if share:
            pulses += share * expected_pulses_of_two(self.mean_s, self.mean_transfer_s, pulse_s)
        return self.calls * pulses * pulse_s / 60

    def billed_transfer_minutes(self, pulse_s: int) -> float:
        """Expected minutes on the bill for the humans' legs."""
        return self.calls * self.transfer_share * expected_pulses(self.mean_transfer_s, pulse_s) * pulse_s / 60


def traffic(
    *,
    numbers: int,
    minutes_per_number: float | None = None,
    calls: float | None = None,
    mean_s: float = DEFAULT_MEAN_S,
    transfer_share: float = 0.0,
    mean_transfer_s: float | None = None,
) -> Traffic:
    """Return traffic from what people know: minutes per number and month, or all calls of a month.

    Transfers are as long as calls unless `mean_transfer_s` says otherwise.

    Raises:
        UserError: both, neither, or what `Traffic` refuses.
    """
    if (minutes_per_number is None) == (calls is None):
        raise UserError("say how much is called: either the minutes per number and month, or all calls of a month")
    if calls is None:
        assert minutes_per_number is not None
        if not math.isfinite(minutes_per_number) or minutes_per_number < 0:
            raise UserError(f"{minutes_per_number} minutes per number cannot be; write a number from 0 up")
        if not mean_s > 0:
            raise UserError(f"{mean_s} seconds cannot be the mean length of a call; it is from 1 to 86400")
        calls = numbers * minutes_per_number * 60 / mean_s
    return Traffic(
        calls=calls,
        mean_s=mean_s,
        transfer_share=transfer_share,
        mean_transfer_s=mean_s if mean_transfer_s is None else mean_transfer_s,
    )


def expected_pulses(mean_s: float, pulse_s: float) -> float:
    """Return how many started pulses a call has on average: the sum of P(length > k pulses) over k = 0, 1, 2, …"""
    return 1 / -math.expm1(-pulse_s / mean_s)


def expected_pulses_of_two(first_s: float, second_s: float, pulse_s: float) -> float:
    """Return the same for a call with two parts, one after the other, of independent lengths."""
    if abs(first_s - second_s) <= _SAME * first_s:
        mean_s = (first_s + second_s) / 2
        started = expected_pulses(mean_s, pulse_s)
        return started + pulse_s / mean_s * math.exp(-pulse_s / mean_s) * started**2
    first, second = first_s * expected_pulses(first_s, pulse_s), second_s * expected_pulses(second_s, pulse_s)
    return (first - second) / (first_s - second_s)
