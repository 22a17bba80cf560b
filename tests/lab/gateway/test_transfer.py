"""Blind transfers (TransferSIPParticipant): what the telephone does with a REFER, and what the API says then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from livekit import api

from lab.sip.call import ReceivedRefer
from tests.lab.gateway.ears import LIMIT_S
from tests.lab.gateway.room_side import AGENT_HZ, RoomSide
from tests.lab.gateway.stage import Number, Stage
from tests.lab.gateway.telephone import CALLER, Line
from tests.lab.gateway.test_endings import talking

TARGET = "tel:+918888888888"
PHONE = f"sip_{CALLER}"
NETWORK_S = 0.1
"""How long an answer takes. livekit-sip sometimes misses a 202 or a NOTIFY that comes in no time at all."""
Then = Callable[[ReceivedRefer, Line], Awaitable[object]]
pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def referred(
    stage: Stage, *, status: int = 202, then: Then | None = None
) -> AsyncIterator[tuple[list[ReceivedRefer], Line, RoomSide, Number]]:
    """Yield a call whose telephone answers a REFER with `status` and does `then` afterwards."""
    async with talking(stage) as (line, agent, number):
        seen: list[ReceivedRefer] = []
        tasks: list[asyncio.Task[object]] = []

        async def follow(refer: ReceivedRefer) -> object:
            await refer.answered.wait()
            await asyncio.sleep(NETWORK_S)
            return await then(refer, line) if then else None

        async def decide(refer: ReceivedRefer) -> int:
            await asyncio.sleep(NETWORK_S)
            seen.append(refer)
            tasks.append(asyncio.create_task(follow(refer)))
            return status

        line.call.on_refer = decide
        yield seen, line, agent, number
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


async def trying_then(refer: ReceivedRefer, status: int) -> None:
    await refer.notify(100)
    await asyncio.sleep(NETWORK_S)
    await refer.notify(status)


async def test_a_transfer_that_is_taken(stage: Stage) -> None:
    """NOTIFY 200: the API returns, then BYE comes and the participant leaves."""
    async with referred(stage, then=lambda refer, _: trying_then(refer, 200)) as (seen, line, agent, number):
        await stage.transfer(number.room, PHONE, TARGET, headers={"Referred-By": "<sip:desk@lotus>"})
        assert [refer.refer_to for refer in seen] == [TARGET]
        assert seen[0].request.headers["Referred-By"] == "<sip:desk@lotus>"
        assert await line.ended() == ("remote", "bye")
        await agent.sees("left", "CLIENT_INITIATED")


async def test_a_sip_target(stage: Stage) -> None:
    """A SIP URI arrives as it was given; 200 to the REFER itself is as good as 202."""
    target = "sip:+918888888888@127.0.0.1"
    async with referred(stage, status=200, then=lambda refer, _: refer.notify(200)) as (seen, line, _, number):
        await stage.transfer(number.room, PHONE, target)
        assert seen[0].refer_to == target
        assert await line.ended() == ("remote", "bye")


@pytest.mark.parametrize(
    ("status", "code"), [(405, "invalid_argument"), (603, "permission_denied"), (503, "failed_precondition")]
)
async def test_a_refused_refer(stage: Stage, status: int, code: str) -> None:
    """The REFER's own status reaches the API, and the call goes on."""
    async with referred(stage, status=status) as (_, line, _agent, number):
        with pytest.raises(api.SipCallError) as refused:
            await stage.transfer(number.room, PHONE, TARGET)
        assert (refused.value.sip_status_code, refused.value.code) == (status, code)
        await line.ear.wait_for(AGENT_HZ)
        assert line.call.state == "established"


@pytest.mark.parametrize(("status", "code"), [(486, "resource_exhausted"), (202, "unknown")])
async def test_a_transfer_that_fails(stage: Stage, status: int, code: str) -> None:
    """Only a NOTIFY 200 is success; the call goes on, and another transfer may be tried."""
    async with referred(stage, then=lambda refer, _: refer.notify(status, final=True)) as (seen, line, _, number):
        for _try in range(2):
            with pytest.raises(api.SipCallError) as failed:
                await stage.transfer(number.room, PHONE, TARGET)
            assert failed.value.sip_status_code == status
            assert failed.value.code == code
            assert "call transfer failed" in failed.value.message
        assert len(seen) == 2
        await line.ear.wait_for(AGENT_HZ)


async def test_hanging_up_after_202_counts_as_success(stage: Stage) -> None:
    """A telephone that takes the REFER and hangs up without a NOTIFY has gone where it was sent."""
    async with referred(stage, then=lambda _, line: line.call.bye()) as (_seen, line, agent, number):
        await stage.transfer(number.room, PHONE, TARGET)
        assert await line.ended() == ("local", "bye")
        await agent.sees("left", "CLIENT_INITIATED")


async def test_202_and_then_nothing(stage: Stage) -> None:
    """Without a NOTIFY the limit ends it, the API's or the node's own; the call goes on, a new transfer is possible."""
    async with referred(stage) as (seen, line, _, number):
        async with asyncio.timeout(LIMIT_S):
            while len(seen) < 2:  # a transfer right after the first one's limit may still join it
                with pytest.raises(api.ServerError) as silent:
                    await stage.transfer(number.room, PHONE, TARGET, ring_s=1)
                assert silent.value.code in ("deadline_exceeded", "canceled")
        assert line.call.state == "established"


async def test_a_silent_refer_locks_the_leg(stage: Stage) -> None:
    """No answer at all to the REFER: the API's limit, and meanwhile no transfer to anybody else."""
    async with talking(stage) as (line, _, number):
        never = asyncio.Event()

        async def silent(_refer: ReceivedRefer) -> int:
            await never.wait()
            return 500

        line.call.on_refer = silent
        with pytest.raises(api.ServerError) as gone:
            await stage.transfer(number.room, PHONE, TARGET, ring_s=2)
        assert gone.value.code == "deadline_exceeded"
        with pytest.raises(api.ServerError) as locked:
            await stage.transfer(number.room, PHONE, "tel:+917777777777", ring_s=2)
        assert locked.value.code == "invalid_argument"
        assert "already being transferred" in locked.value.message
        assert line.call.state == "established"
        never.set()


async def test_the_human_leg_is_transferred_likewise(stage: Stage) -> None:
    """REFER works on a leg that the room dialled."""
    room, trunk_id = stage.new_room(), await stage.outbound_trunk()
    agent = await stage.agent(room)
    task = asyncio.create_task(stage.create(room, trunk_id))
    call = await stage.phone.called()
    async with stage.phone.pick_up(call) as line:
        await asyncio.wait_for(task, LIMIT_S)
        notified: list[asyncio.Task[int]] = []

        async def notify(refer: ReceivedRefer) -> int:
            await refer.answered.wait()
            await asyncio.sleep(NETWORK_S)
            return await refer.notify(200)

        async def decide(refer: ReceivedRefer) -> int:
            await asyncio.sleep(NETWORK_S)
            notified.append(asyncio.create_task(notify(refer)))
            return 202

        call.on_refer = decide
        await stage.transfer(room, "human", TARGET)
        assert await line.ended() == ("remote", "bye")
        await agent.sees("left", "CLIENT_INITIATED")
        await asyncio.gather(*notified)


async def test_who_is_no_telephone_cannot_be_transferred(stage: Stage) -> None:
    """The agent's identity, and one that is not there."""
    async with talking(stage) as (_, _agent, number):
        with pytest.raises(api.ServerError) as agent_refused:
            await stage.transfer(number.room, "agent", TARGET)
        with pytest.raises(api.ServerError) as unknown:
            await stage.transfer(number.room, "nobody", TARGET)
    assert agent_refused.value.code == "invalid_argument"
    assert unknown.value.code == "not_found"
