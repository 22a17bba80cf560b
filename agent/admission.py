"""How many calls a worker takes: an exact count. The others are left to other workers."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

ASSIGNMENT_S = 10.0
"""An accepted job that has not come by then went elsewhere (livekit-agents waits 7.5 s for it)."""

FULL_LOAD = 0.6
"""The load that a full worker tells. livekit-server asks no worker at all whose load is 0.7 (`agents.target_load`) or
more, and it learns of a change only after up to 2.5 s: below that, a worker is asked, and refuses by its count."""


@dataclass(slots=True)
class Admission:
    """Counts the jobs that run and those that were accepted and have not begun."""

    max_calls: int
    _accepted_s: dict[str, float] = field(default_factory=dict)

    def admit(self, job_id: str, running: Collection[str], *, now_s: float | None = None) -> bool:
        """Return whether a job may be accepted, and count it if so. `now_s` is time.monotonic."""
        now = time.monotonic() if now_s is None else now_s
        self._accepted_s = {
            known: at for known, at in self._accepted_s.items() if known not in running and now - at < ASSIGNMENT_S
        }
        if len(running) + len(self._accepted_s) >= self.max_calls:
            return False
        self._accepted_s[job_id] = now
        return True

    def load(self, running: int) -> float:
        """Return what livekit-server weighs workers by: 0 with no call, `FULL_LOAD` with `max_calls`."""
        return FULL_LOAD * min(running / self.max_calls, 1.0)
