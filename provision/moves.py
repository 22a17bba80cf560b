"""Numbers that move from one LiveKit trunk of ours to another. Pure.

LiveKit refuses a number that another trunk has, so a trunk gives a number up before another takes it. A trunk that
gives one and takes another is written twice. When it would be empty in between, it is replaced, since a trunk without
numbers takes every number. A call to a moving number is not answered until the second write. A number that no other
trunk takes stays until the carrier sends it elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from provision.values import InboundTrunk

Trunks = Mapping[str, InboundTrunk]


@dataclass(frozen=True, slots=True)
class Moves:
    """Names of trunks that are not simply updated.

    `early` are updated before any other; `between` are first updated to the given value; `replaced` are deleted and
    created; `cleared` are deleted before others are written. `dropped` has the numbers of a trunk that no other takes.
    """

    early: frozenset[str]
    between: Trunks
    replaced: frozenset[str]
    cleared: frozenset[str]
    dropped: Mapping[str, tuple[str, ...]]


def find_moves(before: Trunks, after: Trunks) -> Moves:
    """Compare the trunks of a deployment, by name, as they are and as they shall be."""
    early: set[str] = set()
    replaced: set[str] = set()
    between: dict[str, InboundTrunk] = {}
    dropped: dict[str, tuple[str, ...]] = {}
    taken = {number for name in after for number in _difference(after, before, name)}
    held = {number for trunk in before.values() for number in trunk.numbers}
    cleared = {name for name in before.keys() - after.keys() if taken & set(before[name].numbers)}
    for name in before.keys() & after.keys():
        lost = _difference(before, after, name)
        moving = lost & taken
        rest = tuple(number for number in before[name].numbers if number not in moving)
        if lost - moving:
            dropped[name] = tuple(sorted(lost - moving))
        if not moving:
            continue
        if not _difference(after, before, name) & held:
            early.add(name)
        elif rest:
            between[name] = replace(before[name], numbers=rest)
        else:
            replaced.add(name)
    return Moves(frozenset(early), between, frozenset(replaced), frozenset(cleared), dropped)


def _difference(some: Trunks, others: Trunks, name: str) -> set[str]:
    """Return the numbers that a trunk has in `some` and not in `others`."""
    return set(some[name].numbers).difference(others[name].numbers if name in others else ())
