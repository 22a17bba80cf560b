"""Wiring of the supervisor: settings, LiveKit's API, webhooks, the watch."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from livekit import api

from agent.logs import configure_logging
from agent.settings import LiveKitSettings
from agent.signals import first_signal
from supervise.watch import Watch
from supervise.webhooks import webhooks

log = logging.getLogger("dialroom.supervisor")


async def run_supervisor(
    settings: LiveKitSettings, *, deployment: str, host: str, port: int, on_ready: Callable[[str, int], None]
) -> int:
    """Watch until a signal; return the exit code. `on_ready` gets where webhooks are taken. Raises PortTakenError."""
    configure_logging(settings.log_format, personal=settings.log_personal_data)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    with first_signal() as stop:
        async with api.LiveKitAPI(settings.livekit_url, key, secret) as client:
            watch = Watch(client, deployment=deployment)
            told = webhooks(key=key, secret=secret, host=host, port=port, look=watch.look, hung_up=watch.hung_up)
            async with told as (bound, at):
                log.info("supervisor starts", extra={"deployment": deployment, "port": at})
                on_ready(bound, at)
                watching = asyncio.create_task(watch.run())
                try:
                    number = await stop
                finally:
                    watching.cancel()
    return 128 + number if number == signal.SIGINT else 0
