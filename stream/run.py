"""Wiring of the WebSocket door: settings, what was seen, the server, signals.

SIGTERM: no new calls, the running ones finish, exit 0. SIGINT: the same with a short limit, exit 130. A second signal
ends the process and its calls at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from typing import Any, Final

from livekit.agents.utils import http_context

from agent.check import check_speech
from agent.errors import PortTakenError
from agent.logs import configure_logging
from agent.session import make_vad
from agent.settings import TalkSettings
from agent.signals import first_signal
from stream.agent_call import Answering, numbers_answered
from stream.errors import NoStreamNumberError
from stream.seen import open_seen
from stream.server import StreamServer
from stream.settings import StreamSettings
from telephony.manifest.model import Manifest

log = logging.getLogger("dialroom.stream")

DRAIN_LIMIT_S: Final = 3600.0
INTERRUPT_LIMIT_S: Final = 3.0
BACKLOG: Final = 128
OnReady = Callable[[int], None]


async def run_stream(
    settings: StreamSettings, talk: TalkSettings, manifest: Manifest, *, host: str, port: int, on_ready: OnReady
) -> int:
    """Take the carrier's calls until a signal; return the exit code. `on_ready` gets its port.

    Raises:
        NoStreamNumberError: no number of the manifest is answered here.
        KeyRefusedError: a service of the agents refuses the key.
        PortTakenError: `port` cannot be opened.
        UserError, WorldError: a setting is wrong, or the database of what was seen cannot be used.
    """
    configure_logging(talk.log_format, personal=talk.log_personal_data)
    # Without it each process is 250 MB larger: the bundled end-of-turn model is not used.
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
    numbers = numbers_answered(manifest)
    if not numbers:
        raise NoStreamNumberError
    agents = {number.agent: manifest.agents[number.agent] for number in numbers.values()}
    with first_signal() as stop:
        checking = asyncio.ensure_future(check_speech(talk, agents.values()))
        either: list[asyncio.Future[Any]] = [checking, stop]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not checking.done():
            checking.cancel()
            return _exit_code(stop)
        checking.result()
        answering = Answering(numbers=numbers, agents=agents, settings=talk, detector=make_vad(talk))
        async with http_context.open(), open_seen(settings.seen.get_secret_value()) as seen:
            server = StreamServer(settings, answering.converse, seen, answers=answering.answers)
            listener = _listener(host, port)
            try:
                await server.start(listener)
                on_ready(listener.getsockname()[1])
                log.info("stream server starts", extra={"deployment": manifest.deployment, "numbers": len(numbers)})
                number = await stop
                await server.drain(INTERRUPT_LIMIT_S if number == signal.SIGINT else DRAIN_LIMIT_S)
            finally:
                await server.aclose()
    return _exit_code(stop)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise PortTakenError(f"{host}:{port} cannot be opened ({why}): choose another --host or --port") from None


def _exit_code(stop: asyncio.Future[int]) -> int:
    return 128 + signal.SIGINT if stop.done() and stop.result() == signal.SIGINT else 0
