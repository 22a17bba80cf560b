"""How many calls a worker takes: an exact count. The others are left to other workers."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

ASSIGNMENT_S = 10.0  # an accepted job that has not come by then went elsewhere (livekit-agents waits 7.5 s)


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
