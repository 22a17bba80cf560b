"""The difference between desired and observed: a list of changes in the order in which they are made. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from provision.changes import (
    Change,
    Create,
    Delete,
    Drop,
    Report,
    Update,
    after,
    change_from_dict,
    change_to_dict,
    report_from_dict,
)
from provision.conflicts import find_reports, taken_over, unused_logins
from provision.desired import Desired
from provision.gaps import find_gaps
from provision.moves import Moves, find_moves
from provision.observed import Observed
from provision.renames import find_renames
from provision.values import Credential, InboundTrunk, Key, OutboundTrunk, Value, key_of
from telephony.shown_url import Written

PLAN_VERSION = 2

_CLEARING, _MAKING_ROOM, _WRITING, _TIDYING = range(4)
_Step = tuple[int, Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be written, in order, and what there is to know about it.

    Names only; equal inputs give equal plans, whatever order they come in. `written_urls` is for whoever shows it
    (`telephony.shown_url`), and is no part of it.
    """

    deployment: str
    changes: tuple[Change, ...] = ()
    reports: tuple[Report, ...] = ()
    take_over: bool = False
    written_urls: Written = field(default=(), compare=False, repr=False)

    @property
    def conflicts(self) -> tuple[Report, ...]:
        """What keeps the plan from being applied."""
        return tuple(report for report in self.reports if report.level == "conflict")

    @property
    def calls_out(self) -> bool:
        """Whether a password has to be written."""
        return any(isinstance(after(change), (Credential, OutboundTrunk)) for change in self.changes)

    def with_report(self, report: Report) -> Self:
        """Return the plan with one more report."""
        reports = tuple(sorted({*self.reports, report}))
        return replace(self, reports=reports)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "version": PLAN_VERSION,
            "deployment": self.deployment,
            "take_over": self.take_over,
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
            deployment=str(fields["deployment"]),
            take_over=bool(fields["take_over"]),
            changes=tuple(change_from_dict(change) for change in fields["changes"]),
            reports=tuple(report_from_dict(report) for report in fields["reports"]),
        )


def plan(desired: Desired, observed: Observed, *, take_over: bool = False) -> Plan:
    """Compare what should be with what is.

    Only objects with the deployment's stamp are changed; with `take_over`, numbers that hang on somebody else's trunk
    are moved too. Calls shall go on meanwhile: LiveKit trunks give up only what another one takes, then everything new
    is made, what is used before its users, and numbers are switched last; what nobody needs any more goes at the end.
    """
    ours = {key: seen.value for key, seen in observed.by_key(desired.deployment).items()}
    ours |= {key: seen.value for key, seen in unused_logins(desired, observed).items()}
    if take_over:
        ours |= taken_over(desired, observed)
    wanted = {key_of(value): value for value in desired.values}
    steps = sorted(_steps(ours, wanted), key=_order)
    drops = sorted(
        (seen.value for seen in observed.extras(desired.deployment) if not observed.is_used(seen)), key=key_of
    )
    changes = (*map(Drop, drops), *(change for _, change in steps))
    reports = {*find_reports(desired, observed, take_over=take_over), *find_gaps(ours.values(), changes)}
    return Plan(deployment=desired.deployment, changes=changes, reports=tuple(sorted(reports)), take_over=take_over)


def _steps(present: Mapping[Key, Value], wanted: Mapping[Key, Value]) -> Iterator[_Step]:
    renames = find_renames(present, wanted)
    ours = renames.ours
    moves = find_moves(_trunks(ours.values()), _trunks(wanted.values()))
    for key in ours.keys() | wanted.keys():
        old, new = ours.get(key), wanted.get(key)
        if old is None:
            assert new is not None
            yield _WRITING, Create(new)
        elif new is None:
            yield (_CLEARING if _uses(old, moves.cleared) else _TIDYING), Delete(old)
        elif _uses(old, moves.replaced):
            yield _CLEARING, Delete(old)
            yield _WRITING, Create(new)
        elif key in renames.before:
            yield _WRITING, Update(renames.before[key], new)
        elif isinstance(old, InboundTrunk) and isinstance(new, InboundTrunk):
            yield from _trunk_updates(old, new, moves)
        elif old != new:
            yield _WRITING, Update(old, new)


def _trunk_updates(old: InboundTrunk, new: InboundTrunk, moves: Moves) -> Iterator[_Step]:
    """Go from `old` to `new` in up to three writes: give up what others take, take what is new, drop the rest."""
    full = replace(new, numbers=tuple(sorted({*new.numbers, *moves.dropped.get(old.name, ())})))
    first = full if old.name in moves.early else moves.between.get(old.name, old)
    path = [(_MAKING_ROOM, first), (_WRITING, full), (_TIDYING, new)]
    for stage, value in path:
        if value != old:
            yield stage, Update(old, value)
            old = value


def _uses(value: Value, trunks: frozenset[str]) -> bool:
    keys = (key_of(value), *value.needs)
    return any(key.kind is InboundTrunk.kind and key.name in trunks for key in keys)


def _order(step: _Step) -> tuple[int, int, int, str]:
    stage, change = step
    rank = change.key.kind.rank
    if stage == _TIDYING:  # numbers are dropped before what they hang on; users are deleted before what they use
        return stage, -rank, isinstance(change, Delete), change.key.name
    return stage, (-rank if stage == _CLEARING else rank), 0, change.key.name


def _trunks(values: Iterable[Value]) -> dict[str, InboundTrunk]:
    return {value.name: value for value in values if isinstance(value, InboundTrunk)}
