"""The real livekit-server, asked as a SIP node asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from livekit import api

from lab.psrpc.bus import Bus
from lab.psrpc.client import PsrpcClient
from lab.servers.livekit import LiveKit
from tests.provision.routing.worlds import Writer


@pytest.fixture(scope="session")
async def livekit_api(livekit: LiveKit) -> AsyncIterator[api.LiveKitAPI]:
    """Yield a client of the server's API."""
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        yield client


@pytest.fixture(scope="session")
async def io(livekit: LiveKit) -> AsyncIterator[PsrpcClient]:
    """Yield a SIP node's client of livekit-server."""
    async with Bus(livekit.redis_url) as bus:
        yield await PsrpcClient(bus, "IOInfo").start()


@pytest.fixture(scope="session")
def writer(livekit_api: api.LiveKitAPI, livekit: LiveKit) -> Writer:
    """Yield what writes small worlds."""
    return Writer(livekit_api, livekit)
