"""A trunk or application of ours that all its numbers leave for one new one becomes that one. Pure.

The carrier wants a number unassigned before it is assigned again, so a number that moves takes no calls for two API
calls. When nothing else rides on what it leaves, that is changed in place instead, name and all, and no call is lost.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from provision.values import Application, Assignment, CarrierTrunk, Key, Kind, Value, key_of

_RENAMED = (Kind.CARRIER_TRUNK, Kind.APPLICATION)


@dataclass(frozen=True, slots=True)
class Renames:
    """`ours` with the new names already in it, and the value that each renamed object has now."""

    ours: Mapping[Key, Value]
    before: Mapping[Key, Value]


def find_renames(ours: Mapping[Key, Value], wanted: Mapping[Key, Value]) -> Renames:
    """Return what is renamed. `ours` and `wanted` are a deployment's values by identity."""
    heirs = _heirs(ours, wanted)
    before: dict[Key, Value] = {}
    after: dict[Key, Value] = {}
    for key, value in ours.items():
        if key in heirs and isinstance(value, (CarrierTrunk, Application)):
            before[heirs[key]] = value
            value = replace(value, name=heirs[key].name)
        elif isinstance(value, Assignment):
            value = _followed(value, heirs)
        after[key_of(value)] = value
    return Renames(after, before)


def _heirs(ours: Mapping[Key, Value], wanted: Mapping[Key, Value]) -> dict[Key, Key]:
    """Return {object that goes: new object that takes its place}; an heir takes the place of one object only."""
    going: dict[Key, Counter[Key | None]] = {}
    for key, value in ours.items():
        if isinstance(value, Assignment):
            new = wanted.get(key)
            going.setdefault(value.target, Counter())[new.target if isinstance(new, Assignment) else None] += 1
    found: dict[Key, Key] = {}
    by_weight = sorted(going.items(), key=lambda item: (-item[1].total(), item[0]))
    for old, targets in by_weight:
        goes = old.kind in _RENAMED and old in ours and old not in wanted
        heir = next(iter(targets)) if len(targets) == 1 else None
        if goes and heir is not None and _is_new(heir, ours, wanted) and heir.kind is old.kind:
            found.setdefault(heir, old)
    return {old: heir for heir, old in found.items()}


def _is_new(key: Key, ours: Mapping[Key, Value], wanted: Mapping[Key, Value]) -> bool:
    return key in wanted and key not in ours


def _followed(value: Assignment, heirs: Mapping[Key, Key]) -> Assignment:
    heir = heirs.get(value.target)
    if heir is None:
        return value
    return replace(value, trunk=heir.name) if value.trunk else replace(value, application=heir.name)
