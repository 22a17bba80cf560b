"""Many callers at once in one process, each with its own number, all with one script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from lab.caller.caller import Caller
from lab.caller.events import CallEvent
from lab.caller.phone_call import Recogniser
from lab.caller.result import CallResult
from lab.caller.run import follow
from lab.caller.script import Script
from lab.speech.voice import Voice


async def run_crowd(
    script: Script,
    number: str,
    *,
    callers: int,
    voice: Voice,
    sip: str = "127.0.0.1:5060",
    from_number: str = "+919812345678",
    host: str = "127.0.0.1",
    every_s: float = 0.0,
    recording: Path | None = None,
    speech_url: str | None = None,
    recogniser: Recogniser | None = None,
    on_event: Callable[[int, CallEvent], None] | None = None,
) -> list[CallResult]:
    """Make `callers` calls, one beginning every `every_s` seconds, and return their results in that order.

    Caller n calls from `from_number` + n, and records into `recording` with ``-n`` in its name. `on_event` gets n too.
    """
    async with Caller(
        voice,
        host=host,
        codecs=script.codecs,
        speech_url=speech_url,
        recogniser=recogniser,
        keep_sound=recording is not None or recogniser is not None,
    ) as caller:
        await caller.prepare(script.sentences())

        async def one(index: int) -> CallResult:
            await asyncio.sleep(index * every_s)
            return await follow(
                caller,
                script,
                number,
                sip=sip,
                from_number=number_after(from_number, index),
                recording=recording.with_stem(f"{recording.stem}-{index}") if recording else None,
                on_event=(lambda event: on_event(index, event)) if on_event else None,
            )

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(index)) for index in range(callers)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]


def number_after(number: str, steps: int) -> str:
    """Return the number that is `steps` higher, with as many digits; anything but a number comes back as it is."""
    prefix, digits = ("+", number[1:]) if number.startswith("+") else ("", number)
    if not digits.isascii() or not digits.isdigit():
        return number
    return f"{prefix}{(int(digits) + steps) % 10 ** len(digits):0{len(digits)}d}"
