"""How a command runs: the environment it sees, its event loop and signals, JSON on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from telephony.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
CHANGES_PENDING = 3


def environment() -> Mapping[str, str]:
    """Return the environment over `.env` of the working folder. Raises UserError when that cannot be read."""
    import os

    from dotenv import dotenv_values

    try:
        written = dotenv_values(".env")
    except UnicodeDecodeError:
        raise UserError(".env: is not UTF-8 text") from None
    except OSError as error:
        raise UserError(f".env: cannot be read: {error.strerror}") from None
    return {key: value for key, value in written.items() if value is not None} | dict(os.environ)


def open_closed_streams() -> None:
    """Put /dev/null where a standard stream is closed (``<&-``): else the next socket would get its number."""
    import os
    import sys
    from pathlib import Path

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf8"))  # noqa: SIM115 - never closed


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end. SIGINT and SIGTERM cancel it and let it clean up; the second one ends the process at once."""
    import asyncio
    import os
    import signal

    caught: list[int] = []

    async def guarded() -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()

        def stop(number: int) -> None:
            if caught or task is None:
                os._exit(128 + number)
            caught.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await main

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if caught:
            raise typer.Exit(128 + caught[0]) from None
        raise


def json_text(value: Mapping[str, Any]) -> str:
    """Return one line of JSON."""
    import json

    return json.dumps(value, ensure_ascii=False)
