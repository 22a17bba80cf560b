"""The real livekit-server and the fake carrier over HTTP."""

import secrets
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings
from livekit import api

from lab.servers.livekit import LiveKit
from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running
from tests.provision.world import World

# Property tests are judged by their result, not by the load of the machine.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
async def vobiz() -> AsyncIterator[FakeVobiz]:
    """Serve a carrier account without trunks and numbers."""
    account = Account(auth_id="MA_TEST0001", auth_token=secrets.token_hex(20))
    async with running(FakeVobiz(account=account)) as fake:
        yield fake


@pytest.fixture
async def world(vobiz: FakeVobiz, livekit: LiveKit) -> AsyncIterator[World]:
    """Yield both servers; what the test made at LiveKit is removed afterwards."""
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        world = World(vobiz=vobiz, livekit=livekit, api=client)
        before = await world.ids()
        yield world
        await world.delete(await world.ids() - before)
