"""The stand-ins as one HTTP server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from lab.speech import control
from lab.speech.chat import chat, models
from lab.speech.listen import listen
from lab.speech.speak import speak, speak_once
from lab.speech.state import STATE, State


def make_app(state: State) -> web.Application:
    """Return the application; every path is the real service's under one base URL."""
    app = web.Application()
    app[STATE] = state
    app.add_routes(
        [
            web.get("/v1/listen", listen),
            web.get("/v1/speak", speak),
            web.post("/v1/speak", speak_once),
            web.get("/v1/models", models),
            web.post("/v1/chat/completions", chat),
            *control.routes(),
        ]
    )
    return app


@asynccontextmanager
async def serving(state: State, port: int) -> AsyncIterator[str]:
    """Serve on 127.0.0.1 for as long as the block lasts; yields the base URL that the plugins are given."""
    runner = web.AppRunner(make_app(state), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        yield f"http://127.0.0.1:{bound}/v1"
    finally:
        await runner.cleanup()
        state.threads.shutdown(wait=False, cancel_futures=True)
