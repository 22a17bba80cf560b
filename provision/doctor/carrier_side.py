"""What the carrier has of a deployment, against its manifest. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provision.desired import desire
from provision.doctor import numbers
from provision.doctor.carrier_objects import TRUNKS, check_applications, check_carrier_trunks
from provision.doctor.facts import Facts, Unknown
from provision.doctor.finding import Code, Finding, skipped


def check_carrier_side(facts: Facts) -> Iterator[Finding]:
    """Judge numbers, trunks and applications."""
    stock = facts.stock
    if isinstance(stock, Unknown):
        yield from (skipped(code, numbers.SUBJECT, stock.reason) for code in numbers.CODES)
        yield skipped(Code.CARRIER_TRUNK, TRUNKS, stock.reason)
        return
    desired = desire(facts.manifest)
    yield from numbers.check_numbers(desired, stock)
    yield from check_carrier_trunks(desired, stock)
    yield from check_applications(desired, stock)
