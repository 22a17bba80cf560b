"""What happens in a call, told while it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

EventKind = Literal["invited", "progress", "answered", "said", "agent", "digits", "refused", "ended", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One event; `t_s` is seconds since the INVITE, the place in the recording too.

    invited    the INVITE left                     said     the caller began to say `text`
    progress   a provisional response, `text`      agent    the agent said `text` ("" when not recognised), from `t_s`
    answered   200 OK                                       to `until_s`; told when it was recognised
    refused    a final refusal, or given up        digits   the caller pressed `text`
    ended      `text` is who hung up               failed   the script expected something else: `text`
    """

    kind: EventKind
    t_s: float
    text: str = ""
    until_s: float | None = None


OnEvent = Callable[[CallEvent], None]


async def first_of(*events: asyncio.Event, timeout_s: float | None) -> None:
    """Return when one of the events is set or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
