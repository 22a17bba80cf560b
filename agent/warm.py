"""Imported once by the server that job processes are forked from: what is done here, all of them share.

Imports, certificates, the weights of the voice activity detection, and a session of nothing, in which the framework
does what it does only once. No thread and no rtc object may be left: they do not survive a fork.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from importlib import import_module
from typing import Final

import livekit.local_inference as inference
from livekit.agents import Agent, AgentSession
from livekit.agents.utils import http_context

import agent.job  # noqa: F401
from agent.speech import certificates

log = logging.getLogger("dialroom.worker")

FIRST_CALL_IMPORTS: Final = (
    "anyio._backends._asyncio",
    "httpcore2._async",
    "livekit.agents.llm.async_toolset",
    "openai.lib.streaming.chat",
    "openai.pagination",
    "openai.resources.chat.chat",
    "openai.resources.chat.completions.completions",
    "openai.resources.models",
)
"""What the clients of the model would import in the middle of a call: 80 ms of CPU in its event loop (measured)."""


async def _rehearse() -> None:
    async with http_context.open():
        session: AgentSession[None] = AgentSession(
            vad=None, turn_handling={"turn_detection": None}, session_close_transcript_timeout=0
        )
        await session.start(Agent(instructions=""), record=False, session_host=False)
        await session.aclose()


def _warm_up() -> None:
    for module in FIRST_CALL_IMPORTS:
        with suppress(ImportError):  # these are no interface: another version may have no such module
            import_module(module)
    inference.init_vad()
    certificates()
    try:
        asyncio.run(_rehearse())
    except Exception:
        # An error here would take the fork server down, and with it every call; without it they are only slower.
        log.warning("the rehearsal of a call failed", exc_info=True)


_warm_up()
