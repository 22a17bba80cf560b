"""Who runs: enough to know for sure that a process on the same machine is dead.

Not knowing is always answered with "alive": then its lease runs out by itself.
"""

import os
import socket
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATE: Final = 0
_STARTED: Final = 19
"""Fields of /proc/PID/stat, counted after the program's name: proc(5) calls them 3 and 22."""
_DEAD_STATES: Final = ("Z", "X")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of one machine.

    `machine` tells machines, boots and containers apart, "" when nothing does; `started` is the kernel's own count, ""
    when it cannot be read.
    """

    host: str
    machine: str
    pid: int
    started: str

    def knows_dead(self, other: "Process") -> bool:
        """Return whether `other` ran where this process runs, and runs no more."""
        if not self.machine or self.machine != other.machine or self.host != other.host:
            return False
        if not _exists(other.pid):
            return True
        state, started = _stat(other.pid)
        return state in _DEAD_STATES or bool(started and other.started and started != other.started)


def this_process() -> Process:
    """Return the process that asks."""
    _, started = _stat(os.getpid())
    return Process(host=socket.gethostname(), machine=_machine(), pid=os.getpid(), started=started)


def _machine() -> str:
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
        except OSError:
            return ""
    if os.name != "posix":
        return ""  # asking after a process id is not safe there
    node = uuid.getnode()
    return "" if node >> 40 & 1 else f"{node:012x}"  # a node with this bit was made up for this process alone


def _exists(pid: int) -> bool:
    """Ask the kernel, which answers also for processes that /proc hides."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _stat(pid: int) -> tuple[str, str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()
        return fields[_STATE], fields[_STARTED]
    except (OSError, IndexError):
        return "", ""
