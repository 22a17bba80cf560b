"""A cost as a table and sentences for a person. Pure; colour and width are arguments."""

from __future__ import annotations

from collections.abc import Iterator

from provision.cost.cost import BreakEven, Column, Cost
from provision.cost.rates import Rates
from provision.cost.reckon import LINES, SIP, STREAM
from provision.cost.table import table


def render(cost: Cost, *, colour: bool = False, width: int = 120) -> str:
    """Return the month side by side, what it was reckoned from, and where another platform becomes cheaper."""
    head = ("INR a month", *(column.name for column in cost.columns))
    there = {line.name for column in cost.columns for line in column.lines}
    rows = [(name, *(_cell(column, name) for column in cost.columns)) for name in LINES if name in there]
    totals = [
        ("total", *(f"{column.total:,.2f}" for column in cost.columns)),
        ("per minute of talk", *(_per_minute(column) for column in cost.columns)),
    ]
    shown = table(head, rows, totals, colour=colour, width=width)
    return "\n".join([_headline(cost), "", shown, "", *_basis(cost), *_comparison(cost)]) + "\n"


def told_break_even(point: BreakEven) -> str:
    """Return where two columns cross, as a sentence."""
    if point.minutes is None:
        dearer = point.second if point.above == point.first else point.first
        return f"{point.above} costs no more than {dearer} at any volume."
    return (
        f"{point.first} and {point.second} cost the same at {point.minutes:,.0f} minutes a month: "
        f"below that {point.below} is cheaper, above it {point.above}."
    )


def clock(seconds: float) -> str:
    """Return a length as ``3:20``, minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _headline(cost: Cost) -> str:
    traffic, count = cost.traffic, cost.numbers.total
    numbers = "1 number" if count == 1 else f"{count:,} numbers"
    transfers = f", {traffic.transfer_share:.0%} of them transferred" if traffic.transfer_share else ""
    return (
        f"{numbers}, {traffic.calls:,.0f} calls of {clock(traffic.mean_s)} min on average"
        f" = {traffic.minutes:,.0f} minutes of talk a month{transfers}"
    )


def _cell(column: Column, name: str) -> str:
    line = next((line for line in column.lines if line.name == name), None)
    return f"{line.amount:,.2f}" if line is not None else ""


def _per_minute(column: Column) -> str:
    return "" if column.per_minute is None else f"{column.per_minute:,.2f}"


def _basis(cost: Cost) -> Iterator[str]:
    rates, traffic, known = cost.rates, cost.traffic, Rates()
    documented = f"{known.sip:g}, {known.stream:g} and {known.number:g} (October 2026)"
    if traffic.calls:
        billed = traffic.billed_minutes(rates.pulse_s)
        share = traffic.transfer_share
        held = traffic.minutes + traffic.calls * share * traffic.mean_transfer_s / 60
        yield (
            f"Billed: {billed:,.0f} min for {held:,.0f} min of callers' legs (+{billed / held - 1:.0%}), since each"
            f" started {rates.pulse_s} s counts; lengths are taken as exponentially distributed."
        )
    yield (
        f"Prices: SIP {rates.sip:g} and stream {rates.stream:g} a minute, {rates.number:g} a number; AI"
        f" {rates.ai_per_minute:g} a minute; taxes are extra."
    )
    yield f"Vobiz documents {documented}; your account's own prices are in its `GET /auth/me`."
    if not rates.ai_per_minute:
        yield "The AI's price is not given, so it is counted as nothing."


def _comparison(cost: Cost) -> Iterator[str]:
    by_name = {column.name: column for column in cost.columns}
    sip, stream = by_name[SIP], by_name[STREAM]
    if cost.traffic.calls and sip.total != stream.total:
        less, more = sorted((sip, stream), key=lambda column: column.total)
        yield f"{less.name} saves {more.total - less.total:,.2f} a month against {more.name}."
    yield from (told_break_even(point) for point in cost.break_evens)
