"""SIGTERM and SIGINT of the worker: the first one is told, the second one ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
