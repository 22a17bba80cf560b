"""The month, line by line, and where two ways cost the same."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.cost.cost import Column, Numbers, break_even
from provision.cost.rates import Platform, Rates
from provision.cost.reckon import MIXED, SIP, STREAM, count_routes, reckon
from provision.cost.traffic import Traffic, traffic
from telephony.errors import UserError
from tests.telephony.manifest.manifests import MINIMAL, parsed

prices = st.floats(min_value=0, max_value=100).map(lambda price: round(price, 2))
fees = st.integers(min_value=0, max_value=50_000).map(float)
rates = st.builds(Rates, sip=prices, stream=prices, number=fees, ai_per_minute=prices, platform_fee=fees)
platforms = st.builds(Platform, per_minute=prices, fee=fees, number=fees)
months = st.builds(
    Traffic,
    calls=st.integers(min_value=0, max_value=100_000).map(float),
    mean_s=st.floats(min_value=5, max_value=900),
    transfer_share=st.floats(min_value=0, max_value=1),
)
counts = st.builds(Numbers, sip=st.integers(0, 50), stream=st.integers(0, 50))


def test_a_month_reckoned_by_hand():
    """A thousand calls of three minutes: 3,527.7 billed minutes."""
    month = traffic(numbers=2, calls=1000)
    cost = reckon(Numbers(sip=2), month, Rates(ai_per_minute=3, platform_fee=4000))
    sip, stream = cost.columns
    assert [(line.name, line.amount) for line in sip.lines] == [
        ("numbers", 1000.00),
        ("calls over SIP", pytest.approx(1587.48)),
        ("AI", 9000.00),
        ("platform fee", 4000.00),
    ]
    assert sip.total == pytest.approx(15_587.48)
    assert sip.per_minute == pytest.approx(15_587.48 / 3000)
    assert stream.total - sip.total == pytest.approx(0.20 * month.billed_minutes(60), abs=0.01)
    assert cost.break_evens == ()


def test_transfers_are_a_longer_leg_and_a_second_one():
    """The second leg is no stream."""
    month = traffic(numbers=1, calls=100, transfer_share=0.5, mean_transfer_s=300)
    stream = reckon(Numbers(stream=1), month, Rates()).columns[1]
    amounts = {line.name: line for line in stream.lines}
    assert amounts["second legs of transfers"].rate == 0.45
    assert amounts["second legs of transfers"].quantity == pytest.approx(50 / -math.expm1(-60 / 300))
    assert amounts["calls over stream"].quantity > traffic(numbers=1, calls=100).billed_minutes(60)


def test_a_mixture_has_a_column_of_its_own():
    """Calls are spread evenly over the numbers."""
    columns = {column.name: column for column in reckon(Numbers(sip=3, stream=1), Traffic(calls=10), Rates()).columns}
    assert list(columns) == [SIP, STREAM, MIXED]
    assert columns[MIXED].total == pytest.approx(0.75 * columns[SIP].total + 0.25 * columns[STREAM].total, abs=0.02)


def test_a_manifest_is_counted_by_what_the_carrier_bills():
    """Agents hang on trunks; streams are Voice API calls."""
    streamed = MINIMAL.replace(
        "agents:\n",
        '  - number: "+918071000002"\n    route: { stream: { answer_url: "https://stream.lotus.in" } }\nagents:\n',
        1,
    )
    assert count_routes(parsed()) == Numbers(sip=1, stream=0)
    assert count_routes(parsed(streamed)) == Numbers(sip=1, stream=1)


@given(counts, months, rates, platforms)
def test_totals_are_the_sums_of_lines_and_follow_the_slope(numbers, month, prices, platform):
    """To the paisa for what is shown, exactly for what is drawn."""
    for column in reckon(numbers, month, prices, platform).columns:
        assert column.total == round(sum(line.amount for line in column.lines), 2)
        assert column.at(month.minutes) == pytest.approx(sum(line.exact for line in column.lines), rel=1e-9, abs=1e-6)
        assert column.total == pytest.approx(column.at(month.minutes), abs=0.05)


@given(counts, months, rates, platforms)
def test_at_the_break_even_both_cost_the_same_and_around_it_as_it_says(numbers, month, prices, platform):
    """Without one, the named column is never dearer."""
    cost = reckon(numbers, month, prices, platform)
    by_name = {column.name: column for column in cost.columns}
    for point in cost.break_evens:
        first, second = by_name[point.first], by_name[point.second]
        if point.minutes is None:
            other = second if point.above == point.first else first
            for minutes in (0.0, 1.0, 1e6):
                assert by_name[point.above].at(minutes) <= other.at(minutes) + 1e-3
            continue
        assert point.minutes > 0
        assert first.at(point.minutes) == pytest.approx(second.at(point.minutes), rel=1e-6, abs=1e-3)
        for minutes, cheap in ((0.0, point.below), (2 * point.minutes, point.above)):
            dear = point.second if cheap == point.first else point.first
            assert by_name[cheap].at(minutes) <= by_name[dear].at(minutes) + 1e-3


@pytest.mark.parametrize(
    ("one", "other", "minutes", "below", "above"),
    [
        ((100, 1), (0, 2), 100, "other", "one"),
        ((0, 1), (100, 2), None, "one", "one"),
        ((0, 2), (0, 1), None, "other", "other"),
        ((10, 1), (20, 1), None, "one", "one"),
        ((10, 1), (10, 1), None, "one", "one"),
    ],
)
def test_lines_cross_once_or_never(one, other, minutes, below, above):
    """Fixed cost and cost per minute."""
    columns = [
        Column(name=name, lines=(), minutes=0, fixed=fixed, slope=slope)
        for name, (fixed, slope) in (("one", one), ("other", other))
    ]
    point = break_even(*columns)
    assert (point.minutes, point.below, point.above) == (minutes, below, above)


def test_the_cost_is_json():
    """With everything that it was reckoned from."""
    cost = reckon(Numbers(sip=1, stream=1), Traffic(calls=100), Rates(), Platform(per_minute=5))
    told = json.loads(json.dumps(cost.to_dict()))
    assert told["currency"] == "INR"
    assert [column["name"] for column in told["columns"]] == [SIP, STREAM, MIXED, "other platform"]
    assert told["columns"][0]["total"] == cost.columns[0].total
    assert told["traffic"]["minutes"] == 300
    assert told["break_even"][0]["first"] == SIP


def test_nobody_talks():
    """Then a minute has no price, and the month its fixed one."""
    cost = reckon(Numbers(sip=2), Traffic(calls=0), Rates())
    assert (cost.columns[0].total, cost.columns[0].per_minute) == (1000.0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Rates(sip=-1),
        lambda: Rates(ai_per_minute=math.inf),
        lambda: Rates(pulse_s=0),
        lambda: Platform(per_minute=math.nan),
        lambda: Platform(per_minute=1, name=""),
        lambda: Platform(per_minute=1, name="a\nb"),
        lambda: Numbers(sip=-1),
        lambda: reckon(Numbers(sip=1), Traffic(calls=1), Rates(), Platform(per_minute=1, name=SIP)),
    ],
)
def test_prices_and_counts_that_cannot_be(wrong):
    """One line that says which."""
    with pytest.raises(UserError) as refused:
        wrong()
    assert "\n" not in str(refused.value)
