"""Facts → diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from provision.doctor.carrier_side import check_carrier_side
from provision.doctor.clocks import check_clocks
from provision.doctor.codecs import check_codecs
from provision.doctor.facts import Facts
from provision.doctor.finding import Diagnosis, Finding
from provision.doctor.money import check_money
from provision.doctor.rules import check_rules
from provision.doctor.servers import check_carrier, check_livekit
from provision.doctor.sip_host import check_sip_host
from provision.doctor.sip_service import check_sip_service, check_worker
from provision.doctor.trunks import check_trunks

CHECKS: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    check_carrier,
    check_money,
    check_carrier_side,
    check_sip_host,
    check_livekit,
    check_clocks,
    check_sip_service,
    check_trunks,
    check_codecs,
    check_rules,
    check_worker,
)


def examine(facts: Facts) -> Diagnosis:
    """Judge everything that was read."""
    found = tuple(finding for check in CHECKS for finding in check(facts))
    return Diagnosis(deployment=facts.manifest.deployment, findings=found)
