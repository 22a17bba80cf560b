"""A deployment that is well, and a SIP node that answers livekit-server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lab.servers.livekit import LiveKit
from lab.sip.endpoint import SipEndpoint
from tests.provision.doctor.patient import Patient
from tests.provision.routing.servers import refusing_node
from tests.provision.world import World


@pytest.fixture
async def patient(world: World) -> AsyncIterator[Patient]:
    async with SipEndpoint(user_agent="test") as endpoint:
        sip_host = f"{endpoint.address[0]}:{endpoint.address[1]}"
        number = world.number()
        await world.provision({number: "anna"}, sip_host=sip_host)
        yield Patient(world, number, sip_host)


@pytest.fixture
async def node(livekit: LiveKit) -> AsyncIterator[list[Any]]:
    async with refusing_node(livekit) as asked:
        yield asked
