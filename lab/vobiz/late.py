"""Lists that are behind: what was written is seen by lists some reads or some time later."""

import time
from dataclasses import dataclass, field
from typing import Any

from lab.vobiz.habits import Habits

Row = dict[str, Any]


@dataclass(kw_only=True)
class _Change:
    before: Row | None
    reads_left: int
    until_s: float


@dataclass(kw_only=True)
class Late:
    """Changes that lists do not show yet, by family and key. Reading one object by its id is never late."""

    habits: Habits
    _changes: dict[str, dict[str, _Change]] = field(default_factory=dict)

    def note(self, family: str, key: str, before: Row | None) -> None:
        """Remember that an object is about to change, or is new (`before` None)."""
        habits = self.habits
        if not (habits.late_reads or habits.late_ms):
            return
        changes = self._changes.setdefault(family, {})
        shown = changes[key].before if key in changes else (dict(before) if before is not None else None)
        until_s = time.monotonic() + habits.late_ms / 1000
        changes[key] = _Change(before=shown, reads_left=habits.late_reads, until_s=until_s)

    def forget(self) -> None:
        """Lists show everything from now on."""
        self._changes.clear()

    def listed(self, family: str, rows: dict[str, Row]) -> list[Row]:
        """Return the rows that a list shows now; this counts as a read."""
        changes = self._changes.get(family)
        if not changes:
            return list(rows.values())
        behind = self._read(changes)
        shown = (behind.get(key, row) for key, row in rows.items())
        return [row for row in shown if row is not None]

    def _read(self, changes: dict[str, _Change]) -> dict[str, Row | None]:
        at_s, behind = time.monotonic(), dict[str, Row | None]()
        for key, change in list(changes.items()):
            if change.reads_left <= 0 and at_s >= change.until_s:
                del changes[key]
                continue
            change.reads_left -= 1
            behind[key] = change.before
        return behind
