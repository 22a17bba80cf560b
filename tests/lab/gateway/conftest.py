"""The SIP node under test: the lab's gateway, and a real livekit-sip where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lab.servers.binaries import find_livekit_sip
from lab.servers.livekit import LiveKit
from lab.servers.sip_node import GatewayKind, SipNode, sip_node
from tests.lab.gateway.stage import Stage, new_stage


@pytest.fixture(scope="package", params=["lab", "livekit-sip"])
def kind(request: pytest.FixtureRequest) -> GatewayKind:
    """Return which program is under test; one at a time, because both would take the same dials."""
    wanted: GatewayKind = request.param
    if wanted == "livekit-sip" and not find_livekit_sip():
        pytest.skip("no livekit-sip: put it on PATH or set LIVEKIT_SIP_BIN")
    return wanted


@pytest.fixture(scope="package")
async def node(tmp_path_factory: pytest.TempPathFactory, livekit: LiveKit, kind: GatewayKind) -> AsyncIterator[SipNode]:
    """Yield one node for all tests of its kind."""
    async with sip_node(tmp_path_factory.mktemp(f"node-{kind}"), livekit, kind=kind) as running:
        yield running


@pytest.fixture
async def stage(node: SipNode, livekit: LiveKit) -> AsyncIterator[Stage]:
    """Yield what a test stands on; nothing of it is left afterwards."""
    async with new_stage(node, livekit) as made:
        yield made
