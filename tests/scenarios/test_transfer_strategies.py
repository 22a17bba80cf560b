"""The strategies beside gates in the caller's room, on the whole stack with real SIP legs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import api

from lab.caller.phone_call import PhoneCall
from telephony.legs import NOBODY
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import (
    HEAR_S,
    Desk,
    ask_for,
    briefed,
    has_heard_the_agent,
    heard,
    now_s,
    open_desk,
    outcomes,
    records,
    ringing,
    said_after,
    told,
)
from tests.scenarios.jobs import agent_dies_in_the_briefing

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk with a target for each strategy."""
    run_dir = tmp_path_factory.mktemp(f"strategies-{request.param}")
    targets = {
        "again": "says: the sales team, people: [{first}], strategy: redial",
        "pressed": "says: the manager, people: [{first}], strategy: redial, mode: press-1",
        "moved": "says: the lawyers, people: [{first}], strategy: cloud_move",
    }
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def rooms(desk: Desk) -> list[str]:
    """Return the names of the consultation rooms that there are."""
    livekit = desk.stack.livekit
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        listed = await client.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in listed.rooms if "-consult-" in room.name]


async def dispatched(desk: Desk, room: str) -> list[str]:
    """Return the names of the agents that LiveKit wants in a room; "" is every agent without a name."""
    livekit = desk.stack.livekit
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        return [one.agent_name for one in await client.agent_dispatch.list_dispatch(room)]


async def no_consultation_is_left(desk: Desk) -> None:
    """Wait until there is none."""

    async def none() -> bool:
        return not await rooms(desk)

    await eventually(none)


@asynccontextmanager
async def handing_over(desk: Desk, target: str) -> AsyncIterator[PhoneCall]:
    """Yield a caller who is greeted, and is being handed to a target."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, target)
        yield caller


@pytest.mark.parametrize("target", ["again", pytest.param("pressed", marks=pytest.mark.full)])
async def test_a_human_who_accepts_is_called_again_and_talks_to_the_caller(desk: Desk, target: str) -> None:
    """The caller hears nothing of the briefing; the room that it was in is gone when both talk."""
    before = len(records(desk, "transfer attempt"))
    async with handing_over(desk, target) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            answered_s = now_s()
            await briefed(human)
            (room,) = await rooms(desk)
            assert await dispatched(desk, room) == [NOBODY]
            human.rtp.send_dtmf("1")
            await told(desk, "Your telephone rings again now")
            assert await human.ended() == ("remote", "bye")
        again = await ringing(desk.first)
        assert not await heard(caller, PHONE_HZ)
        assert not await has_heard_the_agent(caller, since_s=answered_s)
        async with desk.first.pick_up(again) as human:
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
            await caller.say("Hello, are you there?")
            await until(lambda: human.ear.frequency is not None, "words of the caller at the human")
            await no_consultation_is_left(desk)
            await caller.hang_up()
            assert (await human.ended())[0] == "remote"
    assert await outcomes(desk, caller) == ["bridged"]
    (attempt,) = records(desk, "transfer attempt")[before:]
    for field in ("strategy=redial", "again=human-", "outcome=bridged"):
        assert f" {field}" in attempt


async def test_a_human_who_is_busy_when_called_again_gives_the_caller_back(desk: Desk) -> None:
    """The caller is told, and talks on."""
    async with handing_over(desk, "again") as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            human.rtp.send_dtmf("1")
            assert await human.ended() == ("remote", "bye")
        await (await ringing(desk.first)).reject(486)
        assert await said_after(caller)
        await no_consultation_is_left(desk)
        assert not await heard(caller, PHONE_HZ)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["busy"]


async def test_a_caller_who_hangs_up_in_the_briefing_leaves_no_room_behind(desk: Desk) -> None:
    """BYE to the human, who is in another room."""
    async with handing_over(desk, "again") as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await caller.hang_up()
            assert await human.ended() == ("remote", "bye")
        await no_consultation_is_left(desk)
    assert desk.first.received.empty()


async def test_what_livekit_server_cannot_do_becomes_gates_in_the_callers_room(desk: Desk) -> None:
    """One warning, one call, no other room."""
    before = len(records(desk, "this LiveKit server moves nobody: gated_room instead of cloud_move"))
    async with handing_over(desk, "moved") as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        assert await rooms(desk) == []
        human.rtp.send_dtmf("1")
        await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]
    warned = records(desk, "this LiveKit server moves nobody: gated_room instead of cloud_move")
    assert len(warned) == before + 1
    assert desk.first.received.empty()


@pytest.mark.full
async def test_an_agent_that_dies_in_the_briefing_leaves_no_room_behind(desk: Desk) -> None:
    """The supervisor ends the human's leg, and another agent goes on with the caller."""
    async with handing_over(desk, "again") as caller:
        await agent_dies_in_the_briefing(desk, caller)
        await no_consultation_is_left(desk)
