"""Changes and reports: frozen, sortable, and the same after a way through JSON."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from provision.values import VALUE_TYPES, Key, Kind, Value, key_of

Level = Literal["conflict", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Create:
    """An object that is not there yet."""

    after: Value

    @property
    def key(self) -> Key:
        """The object's identity."""
        return key_of(self.after)


@dataclass(frozen=True, slots=True)
class Update:
    """An object of ours that is not as desired."""

    before: Value
    after: Value

    @property
    def key(self) -> Key:
        """The object's identity."""
        return key_of(self.after)


@dataclass(frozen=True, slots=True)
class Delete:
    """An object of ours that nobody desires."""

    before: Value

    @property
    def key(self) -> Key:
        """The object's identity."""
        return key_of(self.before)


@dataclass(frozen=True, slots=True)
class Drop:
    """A second object of ours with the same identity, on which nothing hangs: what a lost answer can leave behind."""

    before: Value

    @property
    def key(self) -> Key:
        """The identity that it shares."""
        return key_of(self.before)


Change = Create | Update | Delete | Drop


_LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Report:
    """Something to know. A ``conflict`` keeps the plan from being applied; a ``note`` is about what is not ours."""

    level: Level
    subject: str
    message: str

    def __lt__(self, other: "Report") -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[int, str, str]:
        return _LEVELS.index(self.level), self.subject, self.message


def report_from_dict(fields: Mapping[str, Any]) -> Report:
    """Read what `dataclasses.asdict` made of a report. Raises ValueError."""
    return _REPORT.validate_python(fields)


_REPORT: TypeAdapter[Report] = TypeAdapter(Report)


def before(change: Change) -> Value | None:
    """Return what a change expects to find, None when it expects nothing."""
    return None if isinstance(change, Create) else change.before


def after(change: Change) -> Value | None:
    """Return what a change leaves behind, None when it removes."""
    return None if isinstance(change, (Delete, Drop)) else change.after


def change_to_dict(change: Change) -> dict[str, Any]:
    """Return a change as JSON values."""
    old, new = before(change), after(change)
    return {
        "action": type(change).__name__.lower(),
        "kind": change.key.kind.name.lower(),
        "name": change.key.name,
        "before": None if old is None else asdict(old),
        "after": None if new is None else asdict(new),
    }


def change_from_dict(fields: dict[str, Any]) -> Change:
    """Read what `change_to_dict` wrote.

    Raises:
        KeyError, TypeError, ValueError: it was not.
    """
    kind = Kind[str(fields["kind"]).upper()]
    if fields["action"] not in ("create", "update", "delete", "drop"):
        raise ValueError(f"no action {fields['action']!r}")
    old, new = (None if fields[name] is None else value_from_dict(kind, fields[name]) for name in ("before", "after"))
    if fields["action"] == "drop" and old is not None:
        return Drop(old)
    if old is not None and new is not None:
        return Update(old, new)
    if new is not None:
        return Create(new)
    if old is None:
        raise TypeError("a change without before and after")
    return Delete(old)


def value_from_dict(kind: Kind, fields: dict[str, Any]) -> Value:
    """Read what `dataclasses.asdict` made of a value, also after a way through JSON. Raises TypeError, ValueError."""
    made = VALUE_TYPES[kind]
    unknown = set(fields) - {field.name for field in dataclass_fields(made)}
    if unknown:
        raise TypeError(f"{kind.value} has no {min(unknown)}")
    adapter: TypeAdapter[Value] = _adapter(kind)
    return adapter.validate_python(fields)


@functools.cache
def _adapter(kind: Kind) -> TypeAdapter[Any]:
    return TypeAdapter(VALUE_TYPES[kind])
