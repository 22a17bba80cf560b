"""A deployment with which all is well, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from livekit import api

from provision.doctor.facts import Account, Balance, Contact, Facts, Load, Offset, Server, SipAnswer, SipHost
from provision.doctor.finding import Finding
from provision.observed import Observed, OwnedNumber, Seen
from provision.routing.world import World
from provision.stamp import carrier_trunk_name
from provision.values import Assignment, CarrierTrunk, Value
from telephony.manifest.model import Manifest
from tests.provision.routing import pure
from tests.provision.routing.worlds import NUMBER
from tests.telephony.manifest.manifests import parsed

TRUNK = carrier_trunk_name(pure.DEPLOYMENT)
APPLY = "dialroom provision apply"
STREAM = "https://voice.lotus.in/hidden-part"
_MANIFEST = """\
version: 1
deployment: clinic
numbers:
{numbers}
agents:
  anna:
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Be brief and kind.
livekit: {{ sip_host: {host} }}
"""


def manifest(*lines: str, host: str = pure.HOST) -> Manifest:
    """Return a manifest with these lines under ``numbers``; without any, with one number that anna answers."""
    written = lines or (f'{{ number: "{NUMBER}", route: {{ agent: anna }} }}',)
    return parsed(_MANIFEST.format(numbers="\n".join(f"  - {line}" for line in written), host=host))


def trunk_seen(name: str = TRUNK, *, stamp: str | None = pure.DEPLOYMENT, **fields: Any) -> Seen:
    """Return a trunk at the carrier, ours as provisioning writes it, but for `fields`."""
    value = CarrierTrunk(name=name, **({"inbound_destination": pure.HOST} | fields))
    return Seen(value=value, server_id="t1", stamp=stamp)


def assigned(number: str = NUMBER, *, stamp: str | None = pure.DEPLOYMENT, **target: str) -> Seen:
    """Return where the carrier sends a number; to our trunk, but for `target`."""
    return Seen(value=Assignment(name=number, **(target or {"trunk": TRUNK})), server_id=number, stamp=stamp)


def stock(*objects: Seen, owned: Iterable[OwnedNumber] = (OwnedNumber(number=NUMBER),)) -> Observed:
    """Return the carrier's side."""
    return Observed(objects=objects, owned_numbers=tuple(owned))


def seen(value: Value, *, stamp: str | None = pure.DEPLOYMENT) -> Seen:
    """Return any object."""
    return Seen(value=value, server_id="x1", stamp=stamp)


GOOD_CLOCK = Offset(seconds=0.2, uncertainty_s=0.6)
GOOD_WORLD = replace(pure.GOOD, carrier=None, seen_agents=frozenset({pure.WORKER}))
CARRIER = Server(name="Vobiz", url="https://api.vobiz.ai/api/v1", contact=Contact.ANSWERS, clock=GOOD_CLOCK)
LIVEKIT = Server(name="LiveKit", url="https://livekit.lotus.in", contact=Contact.ANSWERS, clock=GOOD_CLOCK)
SIP_HOST = SipHost(addresses=("13.200.1.2",), answer=SipAnswer(address="13.200.1.2", status=200))
GOOD = Facts(
    manifest=manifest(),
    carrier=CARRIER,
    livekit=LIVEKIT,
    account=Account(is_trial=False, calls_limit=3, cps_limit=1),
    balance=Balance(available=5000.0, currency="INR", low=100.0),
    load=Load(live=0, most=3),
    stock=stock(trunk_seen(), assigned()),
    world=GOOD_WORLD,
    sip_host=SIP_HOST,
)


def world(*, trunks: Iterable[api.SIPInboundTrunkInfo] = (), rules: Iterable[Any] = (), **fields: Any) -> World:
    """Return LiveKit with our trunk and rule where none are given."""
    return replace(
        GOOD_WORLD,
        trunks=tuple(trunks) or GOOD_WORLD.trunks,
        rules=tuple(rules) or GOOD_WORLD.rules,
        **fields,
    )


def found(check: Callable[[Facts], Iterator[Finding]], **spoilt: Any) -> list[Finding]:
    """Return what a check finds when some facts are others."""
    return list(check(replace(GOOD, **spoilt)))


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return code and level of each finding."""
    return [(finding.code.value, finding.level) for finding in findings]


def unwell(findings: Iterable[Finding]) -> list[Finding]:
    """Return what is not well."""
    return [finding for finding in findings if finding.level != "ok"]
