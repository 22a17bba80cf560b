"""Nobody is left alone: agents that are killed in the middle, on the whole stack with real SIP legs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import HEAR_S, Desk, briefed, heard, now_s, open_desk, ringing, said_after
from tests.scenarios.jobs import agent_dies_in_the_briefing, crash

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk whose rooms are watched."""
    run_dir = tmp_path_factory.mktemp(f"supervise-{request.param}")
    targets = {"front-office": "says: the front office, people: [{people}]"}
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def test_an_agent_that_dies_in_a_consultation_is_replaced(desk: Desk) -> None:
    """The human's leg ends, nobody has heard them, and another agent goes on with the caller."""
    async with desk.caller() as caller:
        await agent_dies_in_the_briefing(desk, caller)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)


async def test_an_agent_that_dies_while_it_rings_is_replaced(desk: Desk) -> None:
    """The telephone stops to ring."""
    async with desk.caller() as caller:
        call = await ringing(desk.first)
        await crash(desk.stack)
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
        assert await said_after(caller)


async def test_a_merged_call_needs_neither_agent_nor_the_same_supervisor(desk: Desk) -> None:
    """Both talk while nothing of ours runs; a supervisor that is started later ends the call of the one who is left."""
    async with desk.caller() as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            human.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
            supervisor = desk.stack.supervisor
            assert supervisor is not None
            supervisor.process.send_signal(signal.SIGKILL)
            await supervisor.process.wait()
            gone_s = now_s()
            await eventually(lambda: heard(caller, PHONE_HZ, since_s=gone_s + 0.5), limit_s=HEAR_S)
        assert caller.is_up
        await desk.stack.add_supervisor()
        assert await caller.wait_hang_up(timeout_s=HEAR_S)


async def test_a_caller_whom_no_agent_can_take_is_hung_up_on(desk: Desk) -> None:
    """The last worker is gone: better the end than silence for good."""
    async with desk.caller("What are your opening hours?") as caller:
        for worker in desk.stack.workers:
            worker.process.send_signal(signal.SIGKILL)
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
