"""What processes use: CPU seconds and PSS (their fair share of memory), with all their children."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MEGABYTE = 2**20
SETTLED_READINGS, SETTLED_MB = 4, 3.0
READING_EVERY_S, SETTLE_LIMIT_S = 1.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A reading of one process tree."""

    cpu_s: float
    pss_mb: float
    processes: int


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and all its descendants, those included that have ended and were reaped."""
    total_s = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total_s += times.user + times.system
            total_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total_s


def read(pid: int) -> Usage:
    """Read a process and all its descendants. A process that ends meanwhile counts as nothing."""
    pss = 0.0
    count = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            pss += getattr(memory, "pss", memory.rss)
            count += 1
    return Usage(cpu_s=cpu_seconds(pid), pss_mb=pss / MEGABYTE, processes=count)


async def settled(pid: int) -> Usage:
    """Read when the number of processes and their memory have stopped changing, at the latest after 30 s."""
    readings: list[Usage] = []
    for _ in range(int(SETTLE_LIMIT_S / READING_EVERY_S)):
        readings.append(await asyncio.to_thread(read, pid))
        if _steady(readings[-SETTLED_READINGS:]):
            break
        await asyncio.sleep(READING_EVERY_S)
    return readings[-1]


def _steady(readings: Sequence[Usage]) -> bool:
    memory_mb = [reading.pss_mb for reading in readings]
    alike = len({reading.processes for reading in readings}) == 1 and max(memory_mb) - min(memory_mb) < SETTLED_MB
    return alike and len(readings) == SETTLED_READINGS


def machine_busy_s() -> float:
    """Return the CPU seconds that all processes of the machine have used since it started."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "softirq", 0.0))


def child_with(argument: Path) -> int:
    """Return the id of our own child that was started with this argument. Raises LookupError."""
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if str(argument) in process.cmdline():
                return int(process.pid)
    raise LookupError(f"no child was started with {argument}")


def _tree(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)
