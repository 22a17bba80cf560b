"""The processes of a worker that have a call, and how to end one as a crash does."""

from __future__ import annotations

import psutil

from lab.stack import Stack
from tests.scenarios.conftest import eventually


def busy(stack: Stack) -> list[psutil.Process]:
    """Return the job processes that are in a room: they alone have UDP sockets."""
    found = []
    for worker in stack.workers:
        for process in psutil.Process(worker.pid).children(recursive=True):
            try:
                if process.net_connections(kind="udp"):
                    found.append(process)
            except psutil.Error:
                continue
    return found


async def crash(stack: Stack) -> None:
    """End the one process that has a call, with SIGKILL."""

    async def only_one() -> bool:
        return len(busy(stack)) == 1  # that of the call before may still be at its end

    await eventually(only_one)
    busy(stack)[0].kill()
