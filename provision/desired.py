"""Manifest → what should exist, as frozen values. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from provision.livekit_numbers import livekit_forms
from provision.observed import Observed
from provision.stamp import (
    application_name,
    carrier_trunk_name,
    livekit_name,
    outbound_login,
    sip_route_name,
)
from provision.values import (
    Application,
    Assignment,
    CarrierOutbound,
    CarrierTrunk,
    Credential,
    DispatchRule,
    InboundTrunk,
    Key,
    OutboundTrunk,
    Value,
    key_of,
)
from telephony.dispatch import DispatchMetadata, outbound_name, worker_name
from telephony.errors import UserError
from telephony.manifest.call_settings import CallSettings
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute, Route, SipRoute, SplitRoute, StreamRoute

ROOM_PREFIX: Final = "call"
"""Rooms are called ``call_<caller>_<random>``: every call has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything that a deployment should consist of, sorted by key.

    `by_hand` says what the manifest wants and no API can set.
    """

    deployment: str
    values: tuple[Value, ...]
    by_hand: tuple[str, ...] = ()


def desire(
    manifest: Manifest,
    *,
    carrier_cidrs: Sequence[str] | None = None,
    password: str = "",
    addresses: Mapping[str, str] | None = None,
) -> Desired:
    """Return what a manifest asks for; `carrier_cidrs` stands in for the manifest's ``vobiz.signalling``.

    `password` is the fingerprint of the login's, and `addresses` are the SIP hosts that the carrier has given
    (`Observed.addresses`): only needed when the manifest calls out.
    """
    whole = _desire(manifest, manifest.numbers, carrier_cidrs)
    return replace(whole, values=_sorted((*whole.values, *_outbound(manifest, password, addresses or {}))))


def _outbound(manifest: Manifest, password: str, addresses: Mapping[str, str]) -> Iterator[Value]:
    wanted = manifest.outbound
    if wanted is None:
        return
    name = outbound_name(manifest.deployment)
    shown = [entry.number for entry in manifest.numbers] if wanted.caller_ids == "all" else wanted.caller_ids
    username = outbound_login(manifest.deployment, wanted.username)
    yield Credential(name=username, fingerprint=password)
    yield CarrierOutbound(name=name, credential=username, transport=wanted.transport)
    yield OutboundTrunk(
        name=name,
        carrier=name,
        address=addresses.get(name, ""),
        numbers=tuple(sorted(shown)),
        username=username,
        fingerprint=password,
        transport=wanted.transport,
    )


def desire_one(
    manifest: Manifest, entry: NumberEntry, observed: Observed, *, carrier_cidrs: Sequence[str] | None = None
) -> Desired:
    """Return what exists of the deployment, and one number beside it, which the manifest may lack."""
    with_it = manifest.model_copy(update={"numbers": _with(manifest.numbers, entry)})
    return desire_some(with_it, frozenset({entry.number}), observed, carrier_cidrs=carrier_cidrs)


def desire_some(
    manifest: Manifest, numbers: Set[str], observed: Observed, *, carrier_cidrs: Sequence[str] | None = None
) -> Desired:
    """Return what exists of the deployment, with some numbers of the manifest as the manifest has them.

    The manifest's other numbers are neither added nor removed, and what calls out stays. A number of these that another
    agent has moves; an agent that is left without numbers is not desired any more, since its trunk would take every
    number.

    Raises:
        UserError: one of these numbers would change how other numbers are treated.
    """
    wanted = _only(numbers, _desire(manifest, manifest.numbers, carrier_cidrs))
    present = [seen.value for seen in observed.by_key(manifest.deployment).values()]
    values = {key_of(value): value for value in _without(present, numbers)}
    for value in wanted:
        existing = values.get(key_of(value))
        if existing is not None and not _may_join(existing, value):
            raise UserError(
                f"{key_of(value)} has other numbers, whose route or settings would change with it: "
                "apply the whole manifest, without choosing numbers"
            )
        values[key_of(value)] = _joined(existing, value)
    return Desired(deployment=manifest.deployment, values=_sorted(values.values()))


def _with(entries: Sequence[NumberEntry], entry: NumberEntry) -> tuple[NumberEntry, ...]:
    return (*(other for other in entries if other.number != entry.number), entry)


def _only(numbers: Set[str], whole: Desired) -> list[Value]:
    """Return what some numbers need of a whole deployment; their trunks take these numbers alone."""
    forms = {form for number in numbers for form in livekit_forms(number)}
    kept: dict[Key, Value] = {}
    for value in whole.values:
        if isinstance(value, InboundTrunk) and (shared := forms.intersection(value.numbers)):
            kept[key_of(value)] = replace(value, numbers=tuple(sorted(shared)))
        elif isinstance(value, Assignment) and value.name in numbers:
            kept[key_of(value)] = value
    needed = {key for value in kept.values() for key in value.needs}
    for value in whole.values:
        if key_of(value) in needed or (isinstance(value, DispatchRule) and kept.keys() & set(value.needs)):
            kept[key_of(value)] = value
    return list(kept.values())


def _desire(manifest: Manifest, entries: Sequence[NumberEntry], cidrs: Sequence[str] | None) -> Desired:
    addresses = tuple(sorted(set(cidrs if cidrs is not None else manifest.vobiz.signalling)))
    values: dict[Key, Value] = {}
    for value in _agent_values(manifest.deployment, entries, addresses):
        values[key_of(value)] = value
    for entry in entries:
        target = _target(manifest, entry.route)
        on_application = isinstance(target, Application)
        assigned = Assignment(
            name=entry.number,
            trunk="" if on_application else target.name,
            application=target.name if on_application else "",
        )
        values |= {key_of(target): target, key_of(assigned): assigned}
    return Desired(
        deployment=manifest.deployment, values=_sorted(values.values()), by_hand=tuple(sorted(set(_by_hand(manifest))))
    )


def _by_hand(manifest: Manifest) -> Iterator[str]:
    for entry in manifest.numbers:
        if isinstance(entry.route, SipRoute) and len(entry.route.sip) > 1:
            first, *others = entry.route.sip
            hosts = ", then ".join(str(other) for other in others)
            name = sip_route_name(manifest.deployment, first.host, whole=str(first))
            yield (
                f"carrier trunk {name}: ask Vobiz's support to send its calls to {hosts} when {first.host} does not "
                "answer; no API sets that"
            )


def _target(manifest: Manifest, route: Route) -> CarrierTrunk | Application:
    """Return what the carrier sends the calls of a route to."""
    match route:
        case AgentRoute() | SplitRoute():
            name = carrier_trunk_name(manifest.deployment)
            return CarrierTrunk(name=name, inbound_destination=manifest.livekit.sip_host.lower())
        case SipRoute(sip=destinations):
            first = destinations[0]
            name = sip_route_name(manifest.deployment, first.host, whole=str(first))
            return CarrierTrunk(name=name, inbound_destination=first.host_port, transport=first.transport)
        case StreamRoute(stream=urls):
            whole = "|".join((urls.answer_url, urls.hangup_url, urls.fallback_url))
            return Application(
                name=application_name(manifest.deployment, urlsplit(urls.answer_url).hostname or "", whole=whole),
                answer_url=urls.answer_url,
                hangup_url=urls.hangup_url,
                fallback_url=urls.fallback_url,
            )


_Group = tuple[AgentRoute | SplitRoute, CallSettings]


def _agent_values(deployment: str, entries: Sequence[NumberEntry], addresses: tuple[str, ...]) -> Iterator[Value]:
    """One trunk and one rule for all numbers that are treated alike.

    A rule could hold its numbers itself, but LiveKit compares those as plain text and takes two forms of the same
    number for a conflict of the rule with itself, so numbers stand on trunks only.
    """
    groups: dict[_Group, list[str]] = {}
    for entry in entries:
        if isinstance(entry.route, (AgentRoute, SplitRoute)):
            groups.setdefault((entry.route, entry.settings), []).append(entry.number)
    names = _group_names(deployment, list(groups))
    for group, numbers in groups.items():
        route, settings = group
        forms = {form for number in numbers for form in livekit_forms(number)}
        yield InboundTrunk(
            name=names[group],
            numbers=tuple(sorted(forms)),
            allowed_addresses=addresses,
            ringing_timeout_s=settings.limits.ring_s,
            max_call_s=settings.limits.max_call_s,
            codecs=settings.codecs,
            media_encryption=settings.media_encryption,
            headers_to_attributes=tuple(sorted(f"{header}={name}" for header, name in settings.headers_to_attributes)),
            krisp=settings.krisp,
        )
        shares = tuple((share.agent, share.weight) for share in route.split) if isinstance(route, SplitRoute) else ()
        metadata = DispatchMetadata(
            deployment=deployment, agent=route.agents[0], split=shares, callers=settings.limits.callers
        )
        yield DispatchRule(
            name=names[group],
            trunks=(names[group],),
            room_prefix=ROOM_PREFIX,
            agent_name=worker_name(deployment),
            agent_metadata=metadata.to_json(),
        )


def _group_names(deployment: str, groups: Sequence[_Group]) -> dict[_Group, str]:
    """Name groups by their agent; where an agent has several, all but the plainest also by what makes them special."""
    names: dict[_Group, str] = {}
    for agent in {_agent_word(route) for route, _ in groups}:
        alike = sorted((group for group in groups if _agent_word(group[0]) == agent), key=_plainness)
        for index, group in enumerate(alike):
            mark = f"_{hashlib.sha256(repr(group).encode()).hexdigest()[:6]}" if index else ""
            names[group] = livekit_name(deployment, agent) + mark
    return names


def _agent_word(route: AgentRoute | SplitRoute) -> str:
    return route.agent if isinstance(route, AgentRoute) else "split_" + "_".join(sorted(route.agents))[:40]


def _plainness(group: _Group) -> tuple[bool, str]:
    return group[1] != CallSettings(), repr(group)


def _without(existing: Sequence[Value], numbers: Set[str]) -> list[Value]:
    """Take numbers off the existing trunks; a trunk that has no other goes, and its rule with it."""
    forms = {form for number in numbers for form in livekit_forms(number)}
    kept: list[Value] = []
    gone: set[Key] = set()
    for value in existing:
        if isinstance(value, InboundTrunk) and forms.intersection(value.numbers):
            left = tuple(form for form in value.numbers if form not in forms)
            if not left:
                gone.add(key_of(value))
                continue
            value = replace(value, numbers=left)
        kept.append(value)
    return [value for value in kept if not gone.intersection(value.needs)]


def _may_join(existing: Value, value: Value) -> bool:
    """Say whether a value leaves the numbers alone that an existing one has."""
    if isinstance(existing, InboundTrunk) and isinstance(value, InboundTrunk):
        return replace(existing, numbers=()) == replace(value, numbers=())
    return existing == value if isinstance(existing, DispatchRule) else True


def _joined(existing: Value | None, value: Value) -> Value:
    if isinstance(existing, InboundTrunk) and isinstance(value, InboundTrunk):
        return replace(value, numbers=tuple(sorted({*existing.numbers, *value.numbers})))
    return value


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=key_of))
