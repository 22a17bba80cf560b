"""SIGTERM and SIGINT of the worker: the first one is told, the second one ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
REARM_S: Final = 0.02


@contextmanager
def first_signal() -> Iterator[asyncio.Future[int]]:
    """Catch signals while the block lasts; the future gets the number of the first.

    The second one ends the process with 128 + its number. Job processes end by themselves when their parent is gone.
    """
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()

    def on_signal(number: int) -> None:
        if first.done():
            os._exit(128 + number)
        first.set_result(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield first
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        first.cancel()


async def keep_ctrl_c() -> None:
    """Undo that SIGINT is ignored, for as long as this runs.

    livekit-agents 1.8.9 ignores it while it starts a process (ipc/supervised_proc.py), seconds for the first
    one: a Ctrl-C would be lost.
    """
    ours = signal.getsignal(signal.SIGINT)
    while True:
        await asyncio.sleep(REARM_S)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, ours)
