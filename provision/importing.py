"""A first manifest out of what a carrier account and a LiveKit have. Pure.

What cannot be read from there (what an agent says, a password) is left to be filled in, and marked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from provision.livekit_numbers import normal
from provision.observed import Observed
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk, OutboundTrunk
from telephony.dispatch import DispatchError, DispatchMetadata

_LEAST_RANGE = 3


def import_manifest(observed: Observed, *, deployment: str) -> str:
    """Return a manifest as YAML: every number of the account with the route that it has now."""
    routes = dict(_routes(observed))
    hosts = Counter(host for _, host in routes.values() if host)
    agents = sorted({route["agent"] for route, _ in routes.values() if "agent" in route})
    sip_host = hosts.most_common(1)[0][0] if hosts else "sip.example.com"
    parts: list[tuple[str, Any]] = [
        ("", {"version": 1, "deployment": deployment, "livekit": {"sip_host": sip_host}}),
        *_outbound(observed),
        ("", {"numbers": list(_lines({number: route for number, (route, _) in routes.items()}))}),
        ("# What the agents say is not kept at the servers: write it.", {"agents": _agents(agents)}),
    ]
    idle = sorted(owned.number for owned in observed.owned_numbers if owned.number not in routes)
    text = "".join(f"{comment}\n{_yaml(content)}" if comment else _yaml(content) for comment, content in parts)
    if idle:
        text += "# Numbers without a route: " + ", ".join(idle[:20]) + (" and more" if len(idle) > 20 else "") + "\n"
    return text


def _routes(observed: Observed) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """Yield each assigned number with its route, and the host that leads to LiveKit when an agent has it."""
    by_id = {seen.server_id: seen.value for seen in observed.objects}
    agents = _agents_by_number(observed)
    for seen in observed.objects:
        if not isinstance(seen.value, Assignment):
            continue
        target = next((by_id[known] for known in sorted(seen.refers) if known in by_id), None)
        applications = [by_id[known] for known in seen.refers if isinstance(by_id.get(known), Application)]
        if applications:
            yield seen.value.name, ({"stream": _stream(applications[0])}, "")
        elif isinstance(target, CarrierTrunk) and normal(seen.value.name) in agents:
            yield seen.value.name, ({"agent": agents[normal(seen.value.name)]}, target.inbound_destination)
        elif isinstance(target, CarrierTrunk) and target.inbound_destination:
            yield seen.value.name, ({"sip": f"sip:{target.inbound_destination}"}, "")


def _stream(application: Any) -> dict[str, str]:
    urls = {
        "answer_url": application.answer_url,
        "hangup_url": application.hangup_url,
        "fallback_url": application.fallback_url,
    }
    return {name: url for name, url in urls.items() if url}


def _agents_by_number(observed: Observed) -> dict[str, str]:
    """Return the agent that a dispatch rule sends into the room, by the number in LiveKit's normal form."""
    agents: dict[str, str] = {}
    trunks = {s.server_id: s.value for s in observed.objects if isinstance(s.value, InboundTrunk)}
    for seen in observed.objects:
        if isinstance(seen.value, DispatchRule):
            for known in seen.refers & trunks.keys():
                for number in trunks[known].numbers:
                    agents[normal(number)] = _agent_name(seen.value)
    return agents


def _agent_name(rule: DispatchRule) -> str:
    try:
        name = DispatchMetadata.from_json(rule.agent_metadata).agent
    except DispatchError:
        name = rule.agent_name
    kept = "".join(char if char.isascii() and (char.isalnum() or char == "-") else "-" for char in name.lower())
    kept = kept.strip("-")[:40]
    return kept if kept[:1].isalpha() else f"agent-{kept}".rstrip("-")


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
