"""Humans who are asked for a key alone, or not at all: press-1 and blind, on the whole stack with real SIP legs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lab.sip.referral import ReceivedRefer
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import HEAR_S, Desk, briefed, heard, now_s, open_desk, outcomes, ringing, said_after

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

MANAGER, LABORATORY, PARTNER = "Give me the manager.", "Give me the laboratory.", "Give me the partner."


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk: the manager presses a key, the laboratory is dialled, the partner is called by REFER."""
    targets = {
        "manager": "says: the manager, people: [{people}], mode: press-1, briefing_s: 10",
        "laboratory": "says: the laboratory, people: [{people}], mode: blind",
        "partner": "says: the partner, people: [{call: {first}, ring_s: 4}], mode: blind, refer: true",
    }
    run_dir = tmp_path_factory.mktemp(f"ways-{request.param}")
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def test_a_human_who_presses_one_talks_to_the_caller(desk: Desk) -> None:
    """They hear who calls; what they say before their key is heard by nobody."""
    async with desk.caller(MANAGER) as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        await asyncio.sleep(2)
        pressed_s = now_s()
        assert not await heard(caller, PHONE_HZ)
        human.rtp.send_dtmf("1")
        await eventually(lambda: heard(caller, PHONE_HZ, since_s=pressed_s), limit_s=HEAR_S)
        await caller.say("Hello, are you there?")
        await until(lambda: human.ear.frequency is not None, "words of the caller at the human")
        await caller.hang_up()
        assert (await human.ended())[0] == "remote"
    assert await outcomes(desk, caller) == ["bridged"]


async def test_a_human_who_presses_two_is_followed_by_the_next(desk: Desk) -> None:
    """And one who is busy by the agent, who says so."""
    async with desk.caller(MANAGER) as caller:
        async with desk.first.pick_up(await desk.first.called()) as human:
            await briefed(human)
            human.rtp.send_dtmf("2")
            assert await human.ended() == ("remote", "bye")
        await (await ringing(desk.second)).reject(486)
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == ["declined", "busy"]


async def test_who_presses_no_key_is_a_voicemail(desk: Desk) -> None:
    """A greeting that talks on and on is heard by nobody; the next person takes the call."""
    async with desk.caller(MANAGER) as caller:
        async with desk.first.pick_up(await desk.first.called()) as machine:
            assert await machine.ended() == ("remote", "bye")
            assert not await heard(caller, PHONE_HZ)
        async with desk.second.pick_up(await ringing(desk.second)) as human:
            await briefed(human)
            human.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["voicemail", "bridged"]


async def test_a_caller_who_hangs_up_before_the_key_ends_the_humans_leg(desk: Desk) -> None:
    """BYE."""
    async with desk.caller(MANAGER) as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        await caller.hang_up()
        assert await human.ended() == ("remote", "bye")


async def test_a_human_who_is_not_asked_talks_at_once(desk: Desk) -> None:
    """Nobody speaks to them first; when they hang up, the caller's leg ends."""
    async with desk.caller(LABORATORY) as caller:
        async with desk.first.pick_up(await ringing(desk.first)):
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]


async def test_the_list_of_those_who_are_not_asked_goes_on_by_cause(desk: Desk) -> None:
    """404 and 603: the caller is told."""
    async with desk.caller(LABORATORY) as caller:
        await (await ringing(desk.first)).reject(404)
        await (await ringing(desk.second)).reject(603)
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["unreachable", "declined"]


async def test_a_caller_changes_their_mind_while_it_rings(desk: Desk) -> None:
    """CANCEL; the talk goes on."""
    async with desk.caller(LABORATORY) as caller:
        call = await ringing(desk.first)
        await caller.say("Never mind.")
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["cancelled"]


async def test_a_refer_that_is_taken_ends_the_call_for_us(desk: Desk) -> None:
    """The caller's side calls the partner; nobody is dialled by us."""
    async with desk.caller(PARTNER) as caller:
        caller.take_refers(100, 200)
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
    assert caller.referred_to == [f"sip:asha@{desk.first.address}"]
    assert desk.first.received.empty()
    assert await outcomes(desk, caller) == ["referred"]


async def test_a_refer_that_is_refused_becomes_a_dial(desk: Desk) -> None:
    """405: the same person is dialled into the room, and talks."""
    async with desk.caller(PARTNER) as caller, desk.first.pick_up(await ringing(desk.first)):
        await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]


async def test_a_refer_whose_human_is_busy_gives_the_caller_back(desk: Desk) -> None:
    """NOTIFY 486: told, and nobody is dialled."""
    async with desk.caller(PARTNER) as caller:
        caller.take_refers(100, 486)
        assert await said_after(caller)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)
    assert desk.first.received.empty()
    assert await outcomes(desk, caller) == ["busy"]


@pytest.mark.parametrize("after_s", [HEAR_S, pytest.param(0.0, marks=pytest.mark.full)])
async def test_a_refer_without_an_answer_calls_nobody_twice(desk: Desk, after_s: float) -> None:
    """No answer, or no NOTIFY: nobody knows whether the partner's telephone rings, and the caller is asked."""
    async with desk.caller(PARTNER) as caller:

        async def never(_refer: ReceivedRefer) -> int:
            await asyncio.sleep(after_s)
            return 202

        assert caller.talk is not None
        caller.sip.on_refer = never

        async def is_over() -> bool:
            return await outcomes(desk, caller) == ["unknown"]

        await eventually(is_over, limit_s=HEAR_S)
        assert await caller.talk.peer_is_silent(1.5, timeout_s=HEAR_S)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)
    assert desk.first.received.empty()
