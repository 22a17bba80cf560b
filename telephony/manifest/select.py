"""Choosing some of a manifest's numbers, for ``--target``. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from telephony.errors import UserError, shortened
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute, SipRoute, SplitRoute
from telephony.numbers import NumberError, parse_number

_KINDS = ("agent", "route", "label")


class TargetError(UserError):
    """A target that names nothing."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"--target {shortened(target)}: {reason}")


def select(manifest: Manifest, targets: Iterable[str]) -> frozenset[str]:
    """Return the numbers (E.164) that any of the targets names.

    A target is a number in any Indian form, ``agent:NAME``, ``route:agent``, ``route:sip``, ``route:stream`` or
    ``label:KEY=VALUE``.

    Raises:
        TargetError: it is none of these, or no number of the manifest is meant.
    """
    return frozenset(number for target in targets for number in _named(manifest, target))


def _named(manifest: Manifest, target: str) -> list[str]:
    kind, colon, wanted = target.partition(":")
    if not colon:
        return [_number(manifest, target)]
    if kind not in _KINDS or not wanted:
        raise TargetError(target, "write a number, agent:NAME, route:agent|sip|stream or label:KEY=VALUE")
    found = [entry.number for entry in manifest.numbers if wanted in _marks(entry, kind)]
    if not found:
        there = sorted({mark for entry in manifest.numbers for mark in _marks(entry, kind)})
        raise TargetError(target, f"no number has that {kind}; there is: {', '.join(there[:12]) or 'none'}")
    return found


def _number(manifest: Manifest, target: str) -> str:
    try:
        number = parse_number(target)
    except NumberError as error:
        raise TargetError(target, str(error)) from None
    if all(entry.number != number for entry in manifest.numbers):
        raise TargetError(target, f"{number} is no number of this manifest")
    return number


def _marks(entry: NumberEntry, kind: str) -> set[str]:
    """Return what an entry answers to."""
    is_agent = isinstance(entry.route, (AgentRoute, SplitRoute))
    match kind:
        case "agent":
            return set() if isinstance(entry.route, SipRoute) else set(entry.route.agents)
        case "route":
            return {"agent" if is_agent else "sip" if isinstance(entry.route, SipRoute) else "stream"}
        case _:
            return {f"{key}={value}" for key, value in entry.labels}
