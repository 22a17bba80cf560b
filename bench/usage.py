"""What processes use: CPU seconds and PSS (their fair share of memory), with all their children."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A reading of one process tree."""

    cpu_s: float
    pss_mb: float
    processes: int


def read(pid: int) -> Usage:
    """Read a process and all its descendants. A process that ends meanwhile counts as nothing."""
    cpu_s = pss = 0.0
    count = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            cpu_s += times.user + times.system
            memory = process.memory_full_info()
            pss += getattr(memory, "pss", memory.rss)
            count += 1
    return Usage(cpu_s=cpu_s, pss_mb=pss / MEGABYTE, processes=count)


def _tree(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)
