"""Stopping the node: SIGTERM lets calls finish, SIGINT ends them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.servers.sip_node import GatewayKind, SipNode, sip_node
from lab.sip.call import CallRejected
from tests.lab.gateway.ears import LIMIT_S, until
from tests.lab.gateway.room_side import AGENT_HZ
from tests.lab.gateway.stage import Stage
from tests.lab.gateway.telephone import PHONE_HZ, Line

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def call_on_own_node(stage: Stage, kind: GatewayKind, run_dir: Path) -> AsyncIterator[tuple[SipNode, Line]]:
    """Yield a node that a test may stop, and a call on it."""
    async with sip_node(run_dir, stage.livekit, kind=kind) as node:
        number = await stage.number()
        agent = await stage.agent(number.room)
        async with stage.phone.dial(number.number, gateway=node.address) as line:
            await line.answered()
            await agent.ear.wait_for(PHONE_HZ)
            yield node, line


async def test_sigterm_waits_for_the_calls(stage: Stage, kind: GatewayKind, tmp_path: Path) -> None:
    """The call goes on after SIGTERM; the process ends when the telephone has hung up."""
    async with call_on_own_node(stage, kind, tmp_path) as (node, line):
        os.kill(node.process.pid, signal.SIGTERM)
        before = line.rtp.stats.received
        await until(lambda: line.rtp.stats.received > before + 75, "packets after SIGTERM")
        assert line.ear.hears(AGENT_HZ)
        assert node.process.returncode is None
        await line.call.bye()
        assert await asyncio.wait_for(node.process.wait(), LIMIT_S) == 0


async def test_sigint_hangs_up(stage: Stage, kind: GatewayKind, tmp_path: Path) -> None:
    """BYE to the telephone, and the process ends."""
    async with call_on_own_node(stage, kind, tmp_path) as (node, line):
        os.kill(node.process.pid, signal.SIGINT)
        assert await line.ended() == ("remote", "bye")
        assert await asyncio.wait_for(node.process.wait(), LIMIT_S) == 0


async def test_sigint_refuses_what_rings(stage: Stage, kind: GatewayKind, tmp_path: Path) -> None:
    """A call that nobody has answered yet gets a final status before the process ends."""
    async with sip_node(tmp_path, stage.livekit, kind=kind) as node:
        number = await stage.number()
        await stage.agent(number.room, speaks=False)
        async with stage.phone.dial(number.number, gateway=node.address, hang_up=False) as line:
            await line.rings()
            os.kill(node.process.pid, signal.SIGINT)
            with pytest.raises(CallRejected) as refused:
                await line.answered()
        assert refused.value.status == 486
        await asyncio.wait_for(node.process.wait(), LIMIT_S)
