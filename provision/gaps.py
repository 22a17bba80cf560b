"""Which numbers take no calls for a while during an apply: the plan is played through before it is made. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from provision.changes import Change, Report, Update, after, before
from provision.livekit_numbers import known_numbers
from provision.stamp import is_livekit_trunk
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk, Value

_LISTED = 5


def find_gaps(present: Iterable[Value], changes: Sequence[Change]) -> Iterator[Report]:
    """Report numbers that are routed before and after the changes but not all the time between."""
    world = _World(present)
    routed = world.routed_numbers()
    lost_at: dict[str, int] = {}
    gaps: dict[str, int] = {}
    for index, change in enumerate(changes):
        for number in world.make(change):
            if isinstance(change, Update) and isinstance(change.after, Assignment):
                gaps[number] = max(gaps.get(number, 0), 1)  # the carrier wants it unassigned in between
            if not world.routes(number):
                lost_at.setdefault(number, index)
            elif number in lost_at:
                gaps[number] = max(gaps.get(number, 0), index - lost_at.pop(number))
    alike: dict[int, list[str]] = {}
    for number, writes in gaps.items():
        if number in routed and world.routes(number):
            alike.setdefault(writes, []).append(number)
    for writes, numbers in sorted(alike.items()):
        yield Report("warning", min(numbers), _words(sorted(numbers), writes))


def _words(numbers: Sequence[str], writes: int) -> str:
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    verb = "is" if len(numbers) == 1 else "are"
    span = "between two API calls" if writes == 1 else f"for {writes + 1} API calls"
    return f"{', '.join(numbers[:_LISTED])}{more} {verb} not answered {span} while moving"


class _World:
    """What routes a number: the carrier's assignment, and at LiveKit a trunk with a rule."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._assigned: dict[str, Assignment] = {}
        self._targets: set[str] = set()
        self._taken: dict[str, set[str]] = {}
        self._taken_by: dict[str, set[str]] = {}
        self._ruled: dict[str, set[str]] = {}
        for value in values:
            self._add(value)

    def routed_numbers(self) -> set[str]:
        """Return all numbers that take calls now."""
        return {number for number in self._assigned if self.routes(number)}

    def routes(self, number: str) -> bool:
        """Say whether a number takes calls now."""
        assigned = self._assigned.get(number)
        if assigned is None or assigned.target.name not in self._targets:
            return False
        if not is_livekit_trunk(assigned.target.name):
            return True
        return any(self._ruled.get(trunk) for trunk in self._taken.get(number, ()))

    def make(self, change: Change) -> set[str]:
        """Make a change and return the numbers that it may touch."""
        old, new = before(change), after(change)
        touched = (self._numbers(old) | self._numbers(new)) - self._kept(old, new)
        if old is not None:
            self._remove(old)
        if new is not None:
            self._add(new)
        return touched

    def _numbers(self, value: Value | None) -> set[str]:
        match value:
            case Assignment():
                return {value.name}
            case InboundTrunk():
                return set(known_numbers(value.numbers))
            case DispatchRule():
                return {number for trunk in value.trunks for number in self._taken_by.get(trunk, ())}
            case _:
                return set()

    def _kept(self, old: Value | None, new: Value | None) -> set[str]:
        if isinstance(old, InboundTrunk) and isinstance(new, InboundTrunk):
            return self._numbers(old) & self._numbers(new)
        return set()

    def _add(self, value: Value) -> None:
        match value:
            case Assignment():
                self._assigned[value.name] = value
            case CarrierTrunk() | Application():
                self._targets.add(value.name)
            case InboundTrunk():
                for number in self._numbers(value):
                    self._taken.setdefault(number, set()).add(value.name)
                    self._taken_by.setdefault(value.name, set()).add(number)
            case DispatchRule():
                for trunk in value.trunks:
                    self._ruled.setdefault(trunk, set()).add(value.name)
            case _:
                pass

    def _remove(self, value: Value) -> None:
        match value:
            case Assignment():
                self._assigned.pop(value.name, None)
            case CarrierTrunk() | Application():
                self._targets.discard(value.name)
            case InboundTrunk():
                for number in self._numbers(value):
                    self._taken.get(number, set()).discard(value.name)
                    self._taken_by.get(value.name, set()).discard(number)
            case DispatchRule():
                for trunk in value.trunks:
                    self._ruled.get(trunk, set()).discard(value.name)
            case _:
                pass
