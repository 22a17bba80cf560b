"""How an inbound call ends, and what the other side is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import api

from lab.sip.call import CallRejected
from tests.lab.gateway.ears import LIMIT_S, until
from tests.lab.gateway.room_side import STATUS, RoomSide
from tests.lab.gateway.stage import Number, Stage
from tests.lab.gateway.telephone import CALLER, Line

PHONE = f"sip_{CALLER}"
pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def talking(stage: Stage, **trunk: object) -> AsyncIterator[tuple[Line, RoomSide, Number]]:
    """Yield an answered call."""
    number = await stage.number(**trunk)  # type: ignore[arg-type]
    agent = await stage.agent(number.room)
    async with stage.phone.dial(number.number) as line:
        await line.answered()
        await agent.status("active")
        yield line, agent, number


async def test_bye_from_the_telephone(stage: Stage) -> None:
    """The participant says `hangup` and leaves of its own will."""
    async with talking(stage) as (line, agent, _):
        assert isinstance(await line.call.bye(), int)
        await agent.sees("left", "CLIENT_INITIATED")
        assert agent.order(STATUS) == ["ringing", "active", "hangup"] or agent.order(STATUS) == ["active", "hangup"]
    assert stage.phone.answers("BYE") == [200]


async def test_cancel_from_the_telephone(stage: Stage) -> None:
    """487 for the INVITE, 200 for the CANCEL, and the participant leaves."""
    number = await stage.number()
    agent = await stage.agent(number.room, speaks=False)
    async with stage.phone.dial(number.number) as line:
        await line.rings()
        await agent.sees("joined", PHONE)
        await asyncio.wait_for(line.call.cancel(), LIMIT_S)  # type: ignore[attr-defined]
        with pytest.raises(CallRejected) as refused:
            await line.answered()
        assert refused.value.status == 487
        await agent.sees("left", "CLIENT_INITIATED")
    assert "active" not in agent.order(STATUS)
    assert stage.phone.answers("CANCEL") == [200]


async def test_removing_the_participant_hangs_up(stage: Stage) -> None:
    """remove_participant becomes BYE on the telephone's line."""
    async with talking(stage) as (line, agent, number):
        await stage.remove(number.room, PHONE)
        assert await line.ended() == ("remote", "bye")
        await agent.sees("left", "PARTICIPANT_REMOVED")


async def test_deleting_the_room_hangs_up(stage: Stage) -> None:
    """delete_room becomes BYE on the telephone's line."""
    async with talking(stage) as (line, _, number):
        await stage.api.room.delete_room(api.DeleteRoomRequest(room=number.room))
        assert await line.ended() == ("remote", "bye")


async def test_deleting_the_room_while_it_rings_is_busy(stage: Stage) -> None:
    """A room that goes before the answer refuses the call with 486."""
    number = await stage.number()
    agent = await stage.agent(number.room, speaks=False)
    async with stage.phone.dial(number.number) as line:
        await agent.sees("joined", PHONE)
        await stage.api.room.delete_room(api.DeleteRoomRequest(room=number.room))
        with pytest.raises(CallRejected) as refused:
            await line.answered()
        assert refused.value.status == 486


async def test_the_agent_leaving_does_not_hang_up(stage: Stage) -> None:
    """Nobody but the server or the telephone ends a call: the caller stays alone, with silence on the line."""
    async with talking(stage) as (line, agent, _):
        await agent.room.disconnect()
        heard = line.rtp.stats.received
        await until(lambda: line.ear.frequency is None, "silence")
        await until(lambda: line.rtp.stats.received > heard + 50, "packets after the agent left")
        assert line.call.state == "established"


async def test_attributes_become_headers_of_the_bye(stage: Stage) -> None:
    """attributes_to_headers: an attribute of the participant goes out with the 200 and with the gateway's BYE."""
    async with talking(stage, attributes_to_headers={"line": "X-Line"}) as (line, _, number):
        await stage.remove(number.room, PHONE)
        await line.ended()
        answer = next(d for d in stage.phone.got if d.method == "INVITE" and d.status == 200)
        bye = next(d for d in stage.phone.got if d.method == "BYE")
        assert b"X-Line: front" in answer.data
        assert b"X-Line: front" in bye.data


async def test_a_call_may_not_last_for_ever(stage: Stage) -> None:
    """max_call_duration of the trunk ends the call with BYE."""
    async with talking(stage, max_call_duration={"seconds": 2}) as (line, agent, _):
        assert await line.ended() == ("remote", "bye")
        await until(lambda: agent.order("left"), "leaving")
