"""`dialroom up`: the stack, kept running until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from lab.running import announced
from lab.stack import Event, Stack, StackOptions, local_stack


async def run_up(options: StackOptions, *, on_event: Event, on_ready: Callable[[Mapping[str, Any]], None]) -> None:
    """Run the stack until cancelled. Raises ChildError when one of its processes ends by itself."""
    async with local_stack(options, on_event=on_event) as stack:
        ready = stack.ready_line()
        with announced(ready, stack.settings):
            on_ready(ready)
            await _watch(stack)


async def _watch(stack: Stack) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for process in stack.processes:
                group.create_task(process.must_live())
    except ExceptionGroup as ended:
        raise ended.exceptions[0] from None
