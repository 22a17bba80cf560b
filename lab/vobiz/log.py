"""What was asked of the API, and what it answered."""

import time
from dataclasses import dataclass, field
from typing import Any

READS = ("GET", "HEAD")


@dataclass(kw_only=True)
class Entry:
    """One API request. `status` is None until it was answered, 0 when it was cut; `committed`: a write was done."""

    n: int
    method: str
    path: str
    query: str
    at_s: float
    status: int | None = None
    took_ms: float | None = None
    committed: bool = False

    def told(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return dict(vars(self))


@dataclass(kw_only=True)
class RequestLog:
    """Every API request since the beginning, or since `clear`. Requests of the lab itself are not in it."""

    entries: list[Entry] = field(default_factory=list)
    _count: int = 0

    def begin(self, method: str, path: str, query: str) -> Entry:
        """Note a request that has just come."""
        self._count += 1
        entry = Entry(n=self._count, method=method, path=path, query=query, at_s=time.time())
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry, status: int) -> None:
        """Note what was answered; 0 for a cut connection."""
        entry.status = status
        entry.took_ms = round((time.time() - entry.at_s) * 1000, 3)

    def clear(self) -> None:
        """Forget the requests; their numbers go on."""
        self.entries.clear()

    def told(self) -> dict[str, Any]:
        """Return the log as JSON, with its counters."""
        return {
            "requests": [entry.told() for entry in self.entries],
            "count": len(self.entries),
            "writes": sum(entry.method not in READS for entry in self.entries),
            "committed": sum(entry.committed for entry in self.entries),
        }
