"""A Redis bus that the real livekit-server listens on too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from livekit import api

from lab.psrpc.bus import Bus
from lab.servers.livekit import LiveKit


@pytest.fixture
async def bus(livekit: LiveKit) -> AsyncIterator[Bus]:
    """Yield a bus of our own."""
    async with Bus(livekit.redis_url) as opened:
        yield opened


@pytest.fixture
async def livekit_api(livekit: LiveKit) -> AsyncIterator[api.LiveKitAPI]:
    """Yield a client of the server's API."""
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        yield client
