"""How many minutes are billed: started pulses, against adding up and against a drawn month of calls."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.cost.traffic import Traffic, expected_pulses, expected_pulses_of_two, traffic
from telephony.errors import UserError

means = st.floats(min_value=1, max_value=3600)


def added_up(means_s: list[float], pulse_s: float) -> float:
    """The sum of P(length > k pulses), by numerical integration for two parts."""

    def survives(length_s: float) -> float:
        first_s = means_s[0]
        if len(means_s) == 1:
            return math.exp(-length_s / first_s)
        steps = 2000
        width = length_s / steps
        middles = [(index + 0.5) * width for index in range(steps)]
        ends = sum(math.exp(-at / first_s - (length_s - at) / means_s[1]) for at in middles) * width / first_s
        return math.exp(-length_s / first_s) + ends

    total, started = 0.0, 0
    while (chance := survives(started * pulse_s)) > 1e-9:
        total, started = total + chance, started + 1
    return total


@given(means, st.sampled_from([1, 6, 30, 60]))
def test_pulses_are_never_fewer_than_the_length_nor_more_than_one_above_it(mean_s, pulse_s):
    """And a call has at least one."""
    pulses = expected_pulses(mean_s, pulse_s)
    assert max(1.0, mean_s / pulse_s) <= pulses * (1 + 1e-12)
    assert pulses <= mean_s / pulse_s + 1


@given(means, means)
def test_two_parts_are_rounded_once(first_s, second_s):
    """So they are between their length and one pulse more."""
    pulses = expected_pulses_of_two(first_s, second_s, 60)
    assert (first_s + second_s) / 60 <= pulses * (1 + 1e-9)
    assert pulses <= (first_s + second_s) / 60 + 1 + 1e-6
    assert pulses == pytest.approx(expected_pulses_of_two(second_s, first_s, 60), rel=1e-6)


@pytest.mark.parametrize("means_s", [[180.0], [20.0], [180.0, 60.0], [30.0, 200.0], [90.0, 90.0], [90.0, 90.01]])
def test_the_formulas_are_what_adding_up_gives(means_s):
    """Equal and nearly equal parts have a formula of their own."""
    formula = expected_pulses(means_s[0], 60) if len(means_s) == 1 else expected_pulses_of_two(*means_s, 60)
    assert formula == pytest.approx(added_up(means_s, 60), rel=1e-5)


def test_a_drawn_month_is_billed_as_expected():
    """A hundred thousand calls, a fifth of them transferred, one by one."""
    draw = random.Random(4)
    month = Traffic(calls=100_000, mean_s=150, transfer_share=0.2, mean_transfer_s=240)
    callers = humans = 0
    for _ in range(100_000):
        length_s = draw.expovariate(1 / 150)
        if draw.random() < 0.2:
            human_s = draw.expovariate(1 / 240)
            humans += math.ceil(human_s / 60)
            length_s += human_s
        callers += math.ceil(length_s / 60)
    assert month.billed_minutes(60) == pytest.approx(callers, rel=0.01)
    assert month.billed_transfer_minutes(60) == pytest.approx(humans, rel=0.02)


def test_three_minute_calls_are_billed_as_three_and_a_half():
    """The example of the documentation: half a minute more, roughly."""
    assert Traffic(calls=1000, mean_s=180).billed_minutes(60) == pytest.approx(3527.7, abs=0.5)
    assert Traffic(calls=1000, mean_s=180).billed_minutes(1) == pytest.approx(3008.3, abs=0.5)


def test_traffic_is_said_per_number_or_as_calls():
    """Both mean the same month."""
    assert traffic(numbers=4, minutes_per_number=300, mean_s=120) == traffic(numbers=4, calls=600, mean_s=120)
    assert traffic(numbers=4, calls=600).minutes == 1800
    assert traffic(numbers=1, calls=1, mean_s=90).mean_transfer_s == 90


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "say how much is called"),
        ({"calls": 1, "minutes_per_number": 1}, "say how much is called"),
        ({"calls": -1}, "-1 calls"),
        ({"calls": math.nan}, "nan calls"),
        ({"minutes_per_number": -5}, "-5 minutes per number"),
        ({"minutes_per_number": 5, "mean_s": 0}, "0 seconds"),
        ({"calls": 5, "mean_s": 0.5}, "0.5 seconds"),
        ({"calls": 5, "mean_transfer_s": 1e9}, "mean length of a transfer"),
        ({"calls": 5, "transfer_share": 10}, "10 cannot be the share of calls"),
    ],
)
def test_traffic_that_cannot_be(given, words):
    """In words of what the user wrote."""
    with pytest.raises(UserError, match=words):
        traffic(numbers=1, **given)
