"""A first manifest out of what a carrier account and a LiveKit have. Pure.

What cannot be read from there (what an agent says, a password) is left to be filled in, and marked.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from provision.livekit_numbers import normal
from provision.observed import Observed
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk, OutboundTrunk
from telephony.dispatch import DispatchError, DispatchMetadata
from telephony.errors import UserError
from telephony.manifest.model import Deployment
from telephony.manifest.route import SipRoute

_LEAST_RANGE: Final = 3
_MOST_NAME: Final = 32
_LISTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A manifest as YAML, the numbers that it lacks since they have no route, and those whose route it cannot say."""

    text: str
    without_route: tuple[str, ...]
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"manifest": self.text, "without_route": list(self.without_route), "left_out": list(self.left_out)}


def import_manifest(observed: Observed, *, deployment: str) -> Draft:
    """Return a manifest: every number of the account with the route that it has now.

    Raises:
        UserError: `deployment` cannot be a name.
    """
    try:
        TypeAdapter(Deployment).validate_python(deployment)
    except ValidationError:
        raise UserError(f"--deployment {deployment!r}: must be up to 32 of a-z, 0-9 and -, a letter first") from None
    routes = dict(_routes(observed))
    hosts = Counter(route.host for route in routes.values() if route.host)
    names = _agent_names({agent for route in routes.values() for agent in route.agents})
    content = {number: route.content(names) for number, route in routes.items() if route.readable}
    parts: list[tuple[str, Any]] = [
        ("", {"version": 1, "deployment": deployment, "livekit": {"sip_host": _most_common(hosts)}}),
        *_outbound(observed),
        ("", {"numbers": list(_lines(content))}),
        ("# What the agents say is not kept at the servers: write it.", {"agents": _agents(sorted(names.values()))}),
    ]
    text = "".join(f"{comment}\n{_yaml(part)}" if comment else _yaml(part) for comment, part in parts)
    idle = sorted(owned.number for owned in observed.owned_numbers if owned.number not in routes)
    if idle:
        more = f" and {len(idle) - _LISTED} more" if len(idle) > _LISTED else ""
        text += f"# Numbers without a route: {', '.join(idle[:_LISTED])}{more}\n"
    left_out = sorted(number for number, route in routes.items() if not route.readable)
    for number in left_out:
        text += f"# {number} is left out: it goes to {routes[number].sip!a}, which is no SIP host.\n"
    return Draft(text=text, without_route=tuple(idle), left_out=tuple(left_out))


def _most_common(hosts: Counter[str]) -> str:
    return hosts.most_common(1)[0][0] if hosts else "sip.example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Where a number goes: by `shares` to agents through `host`, to a SIP URI, or to the URLs of an application."""

    shares: tuple[tuple[str, int], ...] = ()
    host: str = ""
    sip: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(agent for agent, _ in self.shares)

    @property
    def readable(self) -> bool:
        """Whether a manifest can say it."""
        if not self.sip:
            return True
        try:
            SipRoute.model_validate({"sip": self.sip})
        except ValidationError:
            return False
        return True

    def content(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return it as a manifest has it."""
        if self.sip:
            return {"sip": _literal(self.sip)}
        if self.urls:
            return {"stream": {name: _literal(url) for name, url in self.urls.items() if url}}
        if len(self.shares) == 1:
            return {"agent": names[self.agents[0]]}
        return {"split": [{"agent": names[agent], "weight": weight} for agent, weight in self.shares]}


def _literal(text: str) -> str:
    return text.replace("${", "$${")


def _routes(observed: Observed) -> Iterator[tuple[str, _Route]]:
    """Yield each assigned number with its route."""
    by_id = {seen.server_id: seen.value for seen in observed.objects if seen.value.kind.side == "carrier"}
    shares = _shares_by_number(observed)
    for seen in observed.objects:
        if not isinstance(seen.value, Assignment):
            continue
        targets = [by_id[known] for known in sorted(seen.refers) if known in by_id]
        application = next((target for target in targets if isinstance(target, Application)), None)
        trunk = next((target for target in targets if isinstance(target, CarrierTrunk)), None)
        number = seen.value.name
        if application is not None:
            urls = {name: getattr(application, name) for name in ("answer_url", "hangup_url", "fallback_url")}
            yield number, _Route(urls=urls)
        elif trunk is not None and normal(number) in shares:
            yield number, _Route(shares=shares[normal(number)], host=_bare(trunk.inbound_destination))
        elif trunk is not None and trunk.inbound_destination:
            transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
            yield number, _Route(sip=f"sip:{_bare(trunk.inbound_destination)}{transport}")


def _bare(destination: str) -> str:
    """Return the host of a destination; a scheme before it is a mistake that the carrier keeps."""
    scheme, mark, rest = destination.partition(":")
    return rest if mark and scheme.lower() in ("sip", "sips") else destination


def _shares_by_number(observed: Observed) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return the agents, with weights, that a dispatch rule sends, by the number in LiveKit's normal form."""
    shares: dict[str, tuple[tuple[str, int], ...]] = {}
    trunks = {s.server_id: s.value for s in observed.objects if isinstance(s.value, InboundTrunk)}
    for seen in observed.objects:
        if isinstance(seen.value, DispatchRule):
            for known in seen.refers & trunks.keys():
                for number in trunks[known].numbers:
                    shares[normal(number)] = _shares(seen.value)
    return shares


def _shares(rule: DispatchRule) -> tuple[tuple[str, int], ...]:
    try:
        metadata = DispatchMetadata.from_json(rule.agent_metadata)
    except DispatchError:
        return ((rule.agent_name, 1),)
    return metadata.split or ((metadata.agent, 1),)


def _agent_names(given: Set[str]) -> dict[str, str]:
    """Return a name that a manifest can have for each agent of the rules, no two alike."""
    names: dict[str, str] = {}
    for name in sorted(given, key=lambda name: (name != _folded(name), name)):  # who can keep a name keeps it
        stem = free = _folded(name)
        for index in itertools.count(2):
            if free not in names.values():
                break
            free = f"{stem[: _MOST_NAME - 4]}-{index}"
        names[name] = free
    return names


def _folded(name: str) -> str:
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in name.lower())
    kept = kept.strip("-_")[:_MOST_NAME].rstrip("-_")
    return kept if kept[:1].isalpha() else f"agent-{kept[: _MOST_NAME - 6]}".rstrip("-_")


def _outbound(observed: Observed) -> list[tuple[str, Any]]:
    for seen in observed.objects:
        if isinstance(seen.value, OutboundTrunk) and seen.value.username.isalnum():
            content = {"outbound": {"username": seen.value.username, "password": {"env": "VOBIZ_SIP_PASSWORD"}}}
            return [("# Its password is not told by anybody: it is expected in this variable.", content)]
    return []


def _lines(routes: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Join numbers that follow each other and go the same way."""
    ordered = sorted(routes, key=lambda number: (len(number), number))
    start = 0
    for index in range(1, len(ordered) + 1):
        number = ordered[index] if index < len(ordered) else ""
        if number and _follows(ordered[index - 1], number) and routes[number] == routes[ordered[start]]:
            continue
        run = ordered[start:index]
        if len(run) >= _LEAST_RANGE:
            yield {"range": {"first": run[0], "last": run[-1]}, "route": routes[run[0]]}
        else:
            yield from ({"number": number, "route": routes[number]} for number in run)
        start = index


def _follows(before: str, after: str) -> bool:
    return len(before) == len(after) and int(after) == int(before) + 1


def _agents(names: Sequence[str]) -> dict[str, dict[str, str]]:
    said = {
        "greeting": "TODO: what it says first.",
        "goodbye": "TODO: what it says last.",
        "instructions": "TODO: who it is and what it does.",
    }
    return {name: said.copy() for name in (names or ["front-desk"])}


def _yaml(content: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return text
