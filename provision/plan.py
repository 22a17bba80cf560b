"""The difference between desired and observed: a list of changes in the order in which they are made. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from provision.changes import Change, Create, Delete, Report, Update, change_from_dict, change_to_dict
from provision.conflicts import find_reports
from provision.desired import Desired
from provision.moves import Moves, find_moves
from provision.observed import Observed, Seen
from provision.values import InboundTrunk, Key, Value, key_of

PLAN_VERSION = 1

_DELETING, _MAKING_ROOM, _WRITING = range(3)
_Step = tuple[int, Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be written, in order, and what there is to know about it.

    Names only; equal inputs give equal plans, whatever order they come in.
    """

    deployment: str
    changes: tuple[Change, ...] = ()
    reports: tuple[Report, ...] = ()

    @property
    def conflicts(self) -> tuple[Report, ...]:
        """What keeps the plan from being applied."""
        return tuple(report for report in self.reports if report.level == "conflict")

    def with_report(self, report: Report) -> Self:
        """Return the plan with one more report."""
        reports = tuple(sorted({*self.reports, report}))
        return type(self)(deployment=self.deployment, changes=self.changes, reports=reports)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "version": PLAN_VERSION,
            "deployment": self.deployment,
            "changes": [change_to_dict(change) for change in self.changes],
            "reports": [asdict(report) for report in self.reports],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: it was not, or by another version.
        """
        if fields["version"] != PLAN_VERSION:
            raise ValueError(f"a plan of version {fields['version']}, not {PLAN_VERSION}")
        return cls(
            deployment=fields["deployment"],
            changes=tuple(change_from_dict(change) for change in fields["changes"]),
            reports=tuple(Report(**report) for report in fields["reports"]),
        )


def plan(desired: Desired, observed: Observed) -> Plan:
    """Compare what should be with what is.

    Only objects with the deployment's stamp are changed. Deletions come first, users before what they use; then the
    trunks that give numbers up; then everything else, what is used before its users.
    """
    ours = _first_by_key(seen for seen in observed.objects if seen.stamp == desired.deployment)
    wanted = {key_of(value): value for value in desired.values}
    steps = list(_steps(ours, wanted))
    return Plan(
        deployment=desired.deployment,
        changes=tuple(change for _, change in sorted(steps, key=_order)),
        reports=find_reports(desired, observed),
    )


def _steps(ours: Mapping[Key, Value], wanted: Mapping[Key, Value]) -> Iterator[_Step]:
    moves = find_moves(_trunks(ours.values()), _trunks(wanted.values()))
    for key in ours.keys() | wanted.keys():
        old, new = ours.get(key), wanted.get(key)
        if old is None:
            assert new is not None
            yield _WRITING, Create(new)
        elif new is None:
            yield _DELETING, Delete(old)
        elif _is_replaced(old, moves):
            yield _DELETING, Delete(old)
            yield _WRITING, Create(new)
        elif old != new:
            yield from _updates(old, new, moves)


def _updates(old: Value, new: Value, moves: Moves) -> Iterator[_Step]:
    if not isinstance(old, InboundTrunk):
        yield _WRITING, Update(old, new)
    elif old.name in moves.between:
        between = moves.between[old.name]
        yield _MAKING_ROOM, Update(old, between)
        yield _WRITING, Update(between, new)
    else:
        yield (_MAKING_ROOM if old.name in moves.early else _WRITING), Update(old, new)


def _is_replaced(value: Value, moves: Moves) -> bool:
    keys = (key_of(value), *value.needs)
    return any(key.kind is InboundTrunk.kind and key.name in moves.replaced for key in keys)


def _order(step: _Step) -> tuple[int, int, str]:
    stage, change = step
    rank = change.key.kind.rank
    return stage, (-rank if stage == _DELETING else rank), change.key.name


def _first_by_key(objects: Iterator[Seen]) -> dict[Key, Value]:
    """One value per key; a second one is reported as a conflict, and which one is taken does not matter then."""
    ordered = sorted(objects, key=lambda seen: seen.server_id, reverse=True)
    return {key_of(seen.value): seen.value for seen in ordered}


def _trunks(values: Iterable[Value]) -> dict[str, InboundTrunk]:
    return {value.name: value for value in values if isinstance(value, InboundTrunk)}
