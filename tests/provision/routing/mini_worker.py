"""The smallest worker that livekit-server takes for one: it registers, takes every job and does nothing with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from livekit import api
from livekit.protocol import agent

from lab.servers.livekit import LiveKit


@asynccontextmanager
async def mini_worker(livekit: LiveKit, name: str) -> AsyncIterator[None]:
    """Be registered under an agent name for as long as the block lasts."""
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_grants(api.VideoGrants(agent=True)).to_jwt()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{livekit.url}/agent", headers=headers) as socket:
        register = agent.RegisterWorkerRequest(agent_name=name, version="1")
        await socket.send_bytes(agent.WorkerMessage(register=register).SerializeToString())
        registered = asyncio.Event()
        task = asyncio.create_task(_serve(socket, registered))
        try:
            await asyncio.wait_for(registered.wait(), 10)
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _serve(socket: aiohttp.ClientWebSocketResponse, registered: asyncio.Event) -> None:
    async for received in socket:
        message = agent.ServerMessage.FromString(received.data)
        if message.WhichOneof("message") == "register":
            registered.set()
        if message.WhichOneof("message") == "availability":
            answer = agent.AvailabilityResponse(
                job_id=message.availability.job.id, available=True, participant_identity="agent-x"
            )
            await socket.send_bytes(agent.WorkerMessage(availability=answer).SerializeToString())
