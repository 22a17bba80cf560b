"""Servers with a fault of their own, each started for one test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.psrpc.bus import Bus
from lab.psrpc.errors import PsrpcError
from lab.psrpc.messages import SIP
from lab.psrpc.server import PsrpcServer
from lab.servers.binaries import find_livekit_server
from lab.servers.livekit import SERVER_GRACE_S, LiveKit, http_ok, livekit_config
from lab.servers.ports import free_port
from lab.servers.process import child

KEY, SECRET = "APIwithoutredis", "x" * 40


@asynccontextmanager
async def livekit_without_redis(run_dir: Path) -> AsyncIterator[LiveKit]:
    """Run a livekit-server that nobody told of a Redis: it has rooms and no SIP service."""
    port = free_port()
    config = livekit_config(
        port=port,
        rtc_tcp_port=free_port(),
        rtc_udp_port=free_port("udp"),
        redis_address="",
        key=KEY,
        secret=SECRET,
    )
    del config["redis"]
    path = run_dir / "livekit.yaml"
    path.write_text(yaml.safe_dump(config))
    argv = [str(find_livekit_server()), "--config", str(path)]
    async with child("livekit-server", argv, log_path=run_dir / "livekit.log", grace_s=SERVER_GRACE_S) as server:
        url = f"http://127.0.0.1:{port}"

        async def answers() -> bool:
            return await asyncio.to_thread(http_ok, url)

        await server.until(answers, timeout_s=30)
        yield LiveKit(url=f"ws://127.0.0.1:{port}", http_url=url, api_key=KEY, api_secret=SECRET, redis_url="")


@asynccontextmanager
async def refusing_node(livekit: LiveKit) -> AsyncIterator[list[Any]]:
    """Be a SIP node that does with an impossible call what livekit-sip v1.11.0 does; yields what it was asked."""
    asked: list[Any] = []

    async def refuse(request: Any) -> Any:
        asked.append(request)
        if "=" in request.address:  # pkg/sip/client.go buildLegacyURI, before the room is joined
            raise PsrpcError("invalid_argument", "invalid request URI: legacy address must not contain parameters")
        raise AssertionError(request.address)

    async with Bus(livekit.redis_url) as bus:
        server = PsrpcServer(bus, "SIPInternal")
        await server.register("CreateSIPParticipant", SIP["InternalCreateSIPParticipantRequest"], refuse)
        try:
            yield asked
        finally:
            await server.deregister("CreateSIPParticipant")
            await server.aclose()
