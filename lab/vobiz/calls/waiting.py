"""Waiting for whichever of several things happens first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def first(**waits: Awaitable[object]) -> str:
    """Return the name of what is done first, the one named earlier when several are; the others are cancelled."""
    tasks = {name: asyncio.ensure_future(wait) for name, wait in waits.items()}
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        return next(name for name, task in tasks.items() if task.done())
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def unless(event: asyncio.Event, after_s: float) -> None:
    """Return after some time; never when the event came before."""
    try:
        await asyncio.wait_for(event.wait(), after_s)
    except TimeoutError:
        return
    await asyncio.Event().wait()
