"""What is there without a stamp and plays the very part of something in the manifest: it can be made ours. Pure.

Only names and stamps are written by an adoption; whatever else differs, the next plan shows and the next apply changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.changes import Report
from provision.desired import Desired
from provision.livekit_numbers import known_as, normal
from provision.observed import Observed, Seen
from provision.values import (
    Application,
    Assignment,
    CarrierOutbound,
    CarrierTrunk,
    DispatchRule,
    InboundTrunk,
    Key,
    OutboundTrunk,
    Value,
    key_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """An object without a stamp, and the key under which the manifest knows it."""

    seen: Seen
    key: Key

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        kind = self.key.kind.name.lower()
        return {"kind": kind, "name": self.seen.value.name, "server_id": self.seen.server_id, "becomes": self.key.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoptions:
    """What can be adopted, in the order in which it is written, and what stands in the way."""

    deployment: str
    found: tuple[Adoption, ...]
    reports: tuple[Report, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        reports = [{"level": r.level, "subject": r.subject, "message": r.message} for r in self.reports]
        return {"deployment": self.deployment, "adopt": [a.to_dict() for a in self.found], "reports": reports}


def find_adoptions(desired: Desired, observed: Observed) -> Adoptions:
    """Match what is there without a stamp with what is desired and not there yet."""
    there = observed.by_key(desired.deployment)
    wanted = {k: v for v in desired.values if (k := key_of(v)) not in there and not isinstance(v, Assignment)}
    free = [seen for seen in observed.objects if seen.stamp is None and not isinstance(seen.value, Assignment)]
    matches: dict[Key, list[Seen]] = {}
    reports: set[Report] = set()
    for value in wanted.values():
        for seen in free:
            verdict = _matches(value, seen, desired, observed)
            if verdict is True:
                matches.setdefault(key_of(value), []).append(seen)
            elif isinstance(verdict, str):
                reports.add(Report("warning", seen.label, f"{seen.label} is not adopted: {verdict}"))
    found: dict[Key, Seen] = {}
    for key, candidates in sorted(matches.items()):
        if len(candidates) > 1:
            labels = ", ".join(sorted(seen.label for seen in candidates))
            reports.add(Report("warning", str(key), f"{key} could be any of {labels}: none is adopted; keep one"))
        else:
            found[key] = candidates[0]
    found |= dict(_rules(wanted, free, {seen.server_id: key for key, seen in found.items()}, there))
    reports |= set(_of_other_deployments(desired, observed))
    adopted = tuple(Adoption(seen=seen, key=key) for key, seen in sorted(found.items(), key=_by_rank))
    return Adoptions(deployment=desired.deployment, found=adopted, reports=tuple(sorted(reports)))


def adoptable(desired: Desired, observed: Observed) -> frozenset[Seen]:
    """Return what an adoption would stamp."""
    return frozenset(adoption.seen for adoption in find_adoptions(desired, observed).found)


def _matches(value: Value, seen: Seen, desired: Desired, observed: Observed) -> bool | str:
    """Say whether an object plays a value's part; a text says why not, when it nearly does."""
    match value, seen.value:
        case InboundTrunk(), InboundTrunk():
            ours, theirs = ({normal(number) for number in trunk.numbers} for trunk in (value, seen.value))
            if not ours & theirs:
                return False
            more = sorted(known_as(number) for number in seen.value.numbers if normal(number) not in ours)
            return f"it takes numbers of another route or of no manifest, such as {more[0]}" if more else True
        case (CarrierTrunk(), CarrierTrunk()) | (Application(), Application()):
            on_it = {other.value.name for other in observed.objects if _hangs_on(other, seen)}
            meant = {v.name for v in desired.values if isinstance(v, Assignment) and v.target == key_of(value)}
            if not on_it & meant:
                return False
            more = sorted(on_it - meant)
            return f"it has numbers of another route or of no manifest, such as {more[0]}" if more else True
        case CarrierOutbound(), CarrierOutbound():
            return value.credential == seen.value.credential
        case OutboundTrunk(), OutboundTrunk():
            return value.username == seen.value.username
    return False


def _hangs_on(assigned: Seen, seen: Seen) -> bool:
    return isinstance(assigned.value, Assignment) and seen.server_id in assigned.refers


def _rules(
    wanted: Mapping[Key, Value], free: list[Seen], adopted: Mapping[str, Key], there: Mapping[Key, Seen]
) -> Iterator[tuple[Key, Seen]]:
    """Yield the rules that take the calls of nothing but a trunk that is ours, or becomes ours."""
    names = {known: key.name for known, key in adopted.items()}
    names |= {seen.server_id: key.name for key, seen in there.items()}
    taken: set[Key] = set()
    for seen in free:
        if not isinstance(seen.value, DispatchRule) or not seen.refers:
            continue
        trunks = tuple(sorted(names.get(known, "") for known in seen.refers))
        for key, value in wanted.items():
            if isinstance(value, DispatchRule) and value.trunks == trunks and key not in taken:
                taken.add(key)
                yield key, seen


def _of_other_deployments(desired: Desired, observed: Observed) -> Iterator[Report]:
    wanted = {normal(n) for v in desired.values if isinstance(v, InboundTrunk) for n in v.numbers}
    for seen in observed.objects:
        if seen.stamp in (None, desired.deployment) or not isinstance(seen.value, InboundTrunk):
            continue
        shared = sorted(known_as(number) for number in seen.value.numbers if normal(number) in wanted)
        if shared:
            text = f"{shared[0]}: {seen.label} has it (deployment {seen.stamp}); take it out of that manifest first"
            yield Report("conflict", shared[0], text)


def render_adoptions(found: Adoptions) -> str:
    """Return what would be adopted, for a person."""
    if not found.found:
        lines = [f"Deployment {found.deployment}: nothing to adopt."]
    else:
        lines = [f"Deployment {found.deployment}: {len(found.found)} to adopt.", ""]
        lines += [f"  ✓ {adoption.seen.label}  →  {adoption.key.name}" for adoption in found.found]
    words = {"conflict": "Conflict:", "warning": "Warning:", "note": "Note:"}
    lines += [line for report in found.reports for line in ("", f"  {words[report.level]} {report.message}")]
    return "\n".join(lines)


def _by_rank(item: tuple[Key, Seen]) -> tuple[int, str]:
    return item[0].kind.rank, item[0].name
