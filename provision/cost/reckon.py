"""From numbers, traffic and prices to the cost of a month. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from provision.cost.cost import Column, Cost, Line, Numbers, break_even
from provision.cost.rates import Platform, Rates
from provision.cost.traffic import Traffic
from telephony.errors import UserError
from telephony.manifest.model import Manifest
from telephony.manifest.route import StreamRoute

SIP = "SIP trunk"
STREAM = "WebSocket stream"
MIXED = "this manifest"
NUMBERS, OVER_SIP, OVER_STREAM, ALL_IN = "numbers", "calls over SIP", "calls over stream", "calls, all in"
SECOND_LEGS, AI, FEE = "second legs of transfers", "AI", "platform fee"
LINES = (NUMBERS, OVER_SIP, OVER_STREAM, ALL_IN, SECOND_LEGS, AI, FEE)
"""The names of all lines, in the order in which they are shown."""
_Lines = Callable[[Traffic], Iterator[Line]]


def count_routes(manifest: Manifest) -> Numbers:
    """Count a manifest's numbers by how the carrier bills their calls: whatever is no stream is a trunk."""
    streams = sum(isinstance(entry.route, StreamRoute) for entry in manifest.numbers)
    return Numbers(sip=len(manifest.numbers) - streams, stream=streams)


def reckon(numbers: Numbers, traffic: Traffic, rates: Rates, platform: Platform | None = None) -> Cost:
    """Return the cost of a month. Calls are spread evenly over the numbers, whatever their route.

    Raises:
        UserError: the platform has the name of one of our columns.
    """
    if platform is not None and platform.name in (SIP, STREAM, MIXED):
        raise UserError(f"{platform.name!r} is what we call a column of our own; give the platform another name")
    shares = {SIP: 0.0, STREAM: 1.0}
    if numbers.sip and numbers.stream:
        shares[MIXED] = numbers.stream / numbers.total
    ours = [_column(name, traffic, _ours(numbers, rates, share)) for name, share in shares.items()]
    others = [] if platform is None else [_column(platform.name, traffic, _theirs(numbers, rates, platform))]
    return Cost(
        numbers=numbers,
        traffic=traffic,
        rates=rates,
        platform=platform,
        columns=(*ours, *others),
        break_evens=tuple(break_even(column, other) for other in others for column in ours),
    )


def _column(name: str, traffic: Traffic, lines: _Lines) -> Column:
    silent = _sum(lines(replace(traffic, calls=0.0)))
    one_minute = _sum(lines(replace(traffic, calls=60 / traffic.mean_s)))
    return Column(
        name=name, lines=tuple(lines(traffic)), minutes=traffic.minutes, fixed=silent, slope=one_minute - silent
    )


def _ours(numbers: Numbers, rates: Rates, stream_share: float) -> _Lines:
    def lines(traffic: Traffic) -> Iterator[Line]:
        billed = traffic.billed_minutes(rates.pulse_s)
        yield Line(name=NUMBERS, quantity=numbers.total, unit="numbers", rate=rates.number)
        if stream_share < 1:
            yield Line(name=OVER_SIP, quantity=billed * (1 - stream_share), unit="min", rate=rates.sip)
        if stream_share > 0:
            yield Line(name=OVER_STREAM, quantity=billed * stream_share, unit="min", rate=rates.stream)
        yield from _second_legs(traffic, rates)
        yield Line(name=AI, quantity=traffic.minutes, unit="min", rate=rates.ai_per_minute)
        yield Line(name=FEE, quantity=1, unit="month", rate=rates.platform_fee)

    return lines


def _theirs(numbers: Numbers, rates: Rates, platform: Platform) -> _Lines:
    def lines(traffic: Traffic) -> Iterator[Line]:
        yield Line(name=NUMBERS, quantity=numbers.total, unit="numbers", rate=platform.number)
        billed = traffic.billed_minutes(platform.pulse_s)
        yield Line(name=ALL_IN, quantity=billed, unit="min", rate=platform.per_minute)
        yield from _second_legs(traffic, rates)
        yield Line(name=FEE, quantity=1, unit="month", rate=platform.fee)

    return lines


def _second_legs(traffic: Traffic, rates: Rates) -> Iterator[Line]:
    """The human's leg is an ordinary call at the SIP rate on every route: streamed is the caller's leg only."""
    if traffic.transfer_share:
        billed = traffic.billed_transfer_minutes(rates.pulse_s)
        yield Line(name=SECOND_LEGS, quantity=billed, unit="min", rate=rates.sip)


def _sum(lines: Iterator[Line]) -> float:
    return sum(line.exact for line in lines)
