"""Kill points: at one request of the API, a process of the test's choice dies, before or after the write is done."""

import os
import signal
import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.vobiz.log import READS, Entry

Place = Literal["before", "after", "hold"]


class KillAt(BaseModel):
    """Where to kill. `request` counts from 1, from the moment this was ordered; with `of` writes only writes count.

    before: the request is not carried out. after: it is, and the process dies before it is answered. hold: it is
    carried out and its answer is held for `hold_s`, so that other requests go on, before the process dies. Nothing is
    answered in any case. Without `pid` nobody dies: the connection is cut at that place.
    """

    model_config = ConfigDict(extra="forbid")

    request: Annotated[int, Field(ge=1)]
    place: Place
    pid: Annotated[int, Field(gt=1)] | None = None
    of: Literal["requests", "writes"] = "requests"
    hold_s: Annotated[float, Field(ge=0)] = 0.5


class KillPoint:
    """The order that waits, and the moments that were reached."""

    def __init__(self) -> None:
        self.waiting: KillAt | None = None
        self.reached: list[dict[str, Any]] = []
        self._left = 0

    def order(self, at: KillAt | None) -> None:
        """Wait for a request from now on; None for none. An earlier order that was not reached is forgotten."""
        self.waiting, self._left = at, at.request if at else 0

    def reaches(self, entry: Entry) -> KillAt | None:
        """Count a request, and return the order when it is this one's."""
        if self.waiting is None or (self.waiting.of == "writes" and entry.method in READS):
            return None
        self._left -= 1
        if self._left:
            return None
        at, self.waiting = self.waiting, None
        return at

    def kill(self, at: KillAt, entry: Entry) -> None:
        """Write the moment down and send SIGKILL. A process that is gone already is no error."""
        moment = {"n": entry.n, "method": entry.method, "path": entry.path, "place": at.place, "at_s": time.time()}
        self.reached.append(moment | {"committed": entry.committed, "pid": at.pid, "killed": _killed(at.pid)})

    def told(self) -> dict[str, Any]:
        """Return both as JSON."""
        waiting = self.waiting.model_dump() | {"left": self._left} if self.waiting else None
        return {"waiting": waiting, "reached": self.reached}


def _killed(pid: int | None) -> bool:
    if pid is None or pid == os.getpid():
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
