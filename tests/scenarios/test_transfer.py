"""A caller is handed to a human, on the whole stack with real SIP legs; who hears what is told by the sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import HEAR_S, Desk, briefed, heard, now_s, open_desk, outcomes, ringing, said_after

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk whose colleagues are briefed, one after the other."""
    run_dir = tmp_path_factory.mktemp(f"desk-{request.param}")
    targets = {"front-office": "says: the front office, people: [{people}]"}
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def test_a_human_who_accepts_talks_to_the_caller(desk: Desk) -> None:
    """Nothing of the human is heard before; both hear each other after; one hangs up, and the other leg ends."""
    async with desk.caller() as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        await asyncio.sleep(2)
        accepted_s = now_s()
        assert not await heard(caller, PHONE_HZ)
        human.rtp.send_dtmf("1")
        await eventually(lambda: heard(caller, PHONE_HZ, since_s=accepted_s), limit_s=HEAR_S)
        await caller.say("Hello, are you there?")
        await until(lambda: human.ear.frequency is not None, "words of the caller at the human")
        await caller.hang_up()
        assert (await human.ended())[0] == "remote"
    assert await outcomes(desk, caller) == ["bridged"]


async def test_when_the_human_hangs_up_the_callers_leg_ends(desk: Desk) -> None:
    """After both have talked."""
    async with desk.caller() as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            human.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]


async def test_who_answers_at_once_and_talks_is_not_heard_before_the_merge(desk: Desk) -> None:
    """0 ms of ringing, and sound from the first packet."""
    async with desk.caller() as caller:
        async with desk.first.pick_up(await desk.first.called()) as human:
            await briefed(human)
            await asyncio.sleep(2)
            assert not await heard(caller, PHONE_HZ)
            human.rtp.send_dtmf("2")
            assert await human.ended() == ("remote", "bye")
        await (await ringing(desk.second)).reject(486)
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == ["declined", "busy"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((486, 603), ["busy", "declined"]), ((404, 480), ["unreachable", "no_answer"])],
)
async def test_when_nobody_takes_the_call_the_caller_is_told(
    desk: Desk, statuses: tuple[int, int], expected: list[str]
) -> None:
    """Both are dialled, one after the other; the talk goes on, and a second transfer reaches somebody."""
    async with desk.caller() as caller:
        for phone, status in zip((desk.first, desk.second), statuses, strict=True):
            await (await ringing(phone)).reject(status)
        assert await said_after(caller)
        assert await outcomes(desk, caller) == expected
        await caller.say("I want to talk to a person.")
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            human.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == [*expected, "bridged"]


async def test_the_third_attempt_of_a_list_answers_by_the_second_person(desk: Desk) -> None:
    """The first declines by key, the second accepts."""
    async with desk.caller() as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            human.rtp.send_dtmf("2")
            assert await human.ended() == ("remote", "bye")
        async with desk.second.pick_up(await ringing(desk.second)) as other:
            await briefed(other)
            other.rtp.send_dtmf("1")
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["declined", "bridged"]


async def test_a_human_who_hangs_up_while_briefed_gives_the_caller_back(desk: Desk) -> None:
    """The caller is told, and hears nothing of it."""
    async with desk.caller() as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == ["human_left"]


async def test_a_caller_who_hangs_up_while_it_rings_stops_the_ringing(desk: Desk) -> None:
    """CANCEL, and no leg is left."""
    async with desk.caller() as caller:
        call = await ringing(desk.first)
        await caller.hang_up()
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)


async def test_a_caller_who_hangs_up_while_the_human_is_briefed_ends_that_leg(desk: Desk) -> None:
    """BYE to the human."""
    async with desk.caller() as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        await briefed(human)
        await caller.hang_up()
        assert await human.ended() == ("remote", "bye")


async def test_a_caller_who_changes_their_mind_stops_the_ringing_and_talks_on(desk: Desk) -> None:
    """Never mind: CANCEL to the telephone, and the agent answers."""
    async with desk.caller() as caller:
        call = await ringing(desk.first)
        await caller.say("Never mind.")
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
        assert await said_after(caller)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["cancelled"]
