"""LiveKit's webhooks: a signed POST for everything that happens in a room. They only say where to look."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from livekit import api

from agent.departures import comes_again
from agent.errors import PortTakenError

log = logging.getLogger("dialroom.supervisor")

PATH: Final = "/livekit"
LARGEST_BODY: Final = 256 * 1024
_TELLING: Final = frozenset(
    {"room_started", "participant_joined", "participant_left", "participant_connection_aborted", "track_unpublished"}
)


@asynccontextmanager
async def webhooks(
    *, key: str, secret: str, host: str, port: int, look: Callable[[str], None], hung_up: Callable[[str], None]
) -> AsyncIterator[tuple[str, int]]:
    """Take webhooks at ``POST /livekit`` while the block lasts, and yield host and port. 0 is any free port.

    `look` gets the room in which something happened, `hung_up` before that one that somebody has left for good.
    Signature and digest are checked (livekit-api's `WebhookReceiver`). Raises PortTakenError.
    """
    receiver = api.WebhookReceiver(api.TokenVerifier(key, secret))

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            event = receiver.receive(body.decode(), request.headers.get("Authorization", ""))
        except Exception as error:  # noqa: BLE001 - what its parts raise for a forged or torn one is not documented
            log.warning("a webhook that is not LiveKit's", extra={"error": type(error).__name__})
            raise web.HTTPUnauthorized from None
        if event.event == "participant_left" and not comes_again(event.participant.disconnect_reason):
            hung_up(event.room.name)
        if event.event in _TELLING:
            look(event.room.name)
        return web.Response()

    async def healthy(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes([web.post(PATH, take), web.get("/", healthy)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError:
            raise PortTakenError(f"port {port} of {host} cannot be opened: choose another one with --port") from None
        bound = runner.addresses[0]
        yield str(bound[0]), int(bound[1])
    finally:
        await runner.cleanup()
