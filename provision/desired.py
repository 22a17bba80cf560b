"""Manifest → what should exist, as frozen values. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from provision.livekit_numbers import livekit_forms
from provision.observed import Observed
from provision.stamp import carrier_trunk_name, livekit_name
from provision.values import Assignment, CarrierTrunk, DispatchRule, InboundTrunk, Key, Value, key_of
from telephony.dispatch import DispatchMetadata, worker_name
from telephony.manifest.model import Manifest, NumberEntry

ROOM_PREFIX: Final = "call"
"""Rooms are called ``call_<caller>_<random>``: every call has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything that a deployment should consist of, sorted by key."""

    deployment: str
    values: tuple[Value, ...]


def desire(manifest: Manifest, *, carrier_cidrs: Sequence[str] | None = None) -> Desired:
    """Return what a manifest asks for; `carrier_cidrs` stands in for the manifest's ``vobiz.signalling``."""
    return _desire(manifest, manifest.numbers, carrier_cidrs)


def desire_one(
    manifest: Manifest, entry: NumberEntry, observed: Observed, *, carrier_cidrs: Sequence[str] | None = None
) -> Desired:
    """Return what exists of the deployment, and one number beside it.

    The manifest's other numbers are neither added nor removed. When another agent of the deployment has the number, it
    moves; an agent that is left without numbers is not desired any more, since its trunk would take every number.
    """
    one = _desire(manifest, (entry,), carrier_cidrs)
    existing = _without(observed.ours(manifest.deployment), entry.number)
    values = {key_of(value): value for value in existing}
    for value in one.values:
        values[key_of(value)] = _joined(values.get(key_of(value)), value)
    return Desired(deployment=manifest.deployment, values=_sorted(values.values()))


def _desire(manifest: Manifest, entries: Sequence[NumberEntry], cidrs: Sequence[str] | None) -> Desired:
    if not entries:
        return Desired(deployment=manifest.deployment, values=())
    addresses = tuple(sorted(set(cidrs if cidrs is not None else manifest.vobiz.signalling)))
    trunk = CarrierTrunk(
        name=carrier_trunk_name(manifest.deployment), inbound_destination=manifest.livekit.sip_host.lower()
    )
    values: list[Value] = [trunk]
    values += [Assignment(name=entry.number, trunk=trunk.name) for entry in entries]
    for agent in {entry.route.agent for entry in entries}:
        numbers = [entry.number for entry in entries if entry.route.agent == agent]
        values += _agent_values(manifest.deployment, agent, numbers, addresses)
    return Desired(deployment=manifest.deployment, values=_sorted(values))


def _agent_values(
    deployment: str, agent: str, numbers: Sequence[str], addresses: tuple[str, ...]
) -> tuple[InboundTrunk, DispatchRule]:
    """One trunk and one rule per agent.

    A rule could hold its numbers itself, but LiveKit compares those as plain text and takes two forms of the same
    number for a conflict of the rule with itself, so numbers stand on trunks only.
    """
    name = livekit_name(deployment, agent)
    forms = sorted(form for number in numbers for form in livekit_forms(number))
    return (
        InboundTrunk(name=name, numbers=tuple(forms), allowed_addresses=addresses),
        DispatchRule(
            name=name,
            trunks=(name,),
            room_prefix=ROOM_PREFIX,
            agent_name=worker_name(deployment),
            agent_metadata=DispatchMetadata(deployment=deployment, agent=agent).to_json(),
        ),
    )


def _without(existing: Sequence[Value], number: str) -> list[Value]:
    """Take a number off the existing trunks; a trunk that has no other goes, and its rule with it."""
    forms = set(livekit_forms(number))
    kept: list[Value] = []
    gone: set[Key] = set()
    for value in existing:
        if isinstance(value, InboundTrunk) and forms & set(value.numbers):
            numbers = tuple(form for form in value.numbers if form not in forms)
            if not numbers:
                gone.add(key_of(value))
                continue
            value = replace(value, numbers=numbers)
        kept.append(value)
    return [value for value in kept if not gone.intersection(value.needs)]


def _joined(existing: Value | None, value: Value) -> Value:
    if isinstance(existing, InboundTrunk) and isinstance(value, InboundTrunk):
        return replace(value, numbers=tuple(sorted({*existing.numbers, *value.numbers})))
    return value


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=key_of))
