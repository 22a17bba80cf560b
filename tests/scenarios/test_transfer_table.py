"""Each way to win a human × each end that it may have, on the whole stack with real SIP legs.

What stands in `test_transfer` and `test_transfer_ways` is not repeated. The rarer cells are marked `full`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lab.servers.ports import free_port
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import (
    HEAR_S,
    Desk,
    briefed,
    has_heard_caller,
    heard,
    hums,
    nobody_is_left,
    now_s,
    open_desk,
    outcomes,
    ringing,
    said_after,
    says,
)

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

ASKS = {"warm": "I want to talk to a person.", "press-1": "Give me the manager.", "blind": "Give me the laboratory."}
BOARD, PARTNER = "Give me the board.", "Give me the partner."
RARE = pytest.mark.full


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk with one colleague for each way, three for the board, and a partner whose telephone is away."""
    away = f'{{call: "sip:kiran@127.0.0.1:{free_port("udp")}", ring_s: 3}}'
    targets = {
        "front-office": "says: the front office, people: [{call: {first}, ring_s: 5}]",
        "manager": "says: the manager, people: [{call: {first}, ring_s: 5}], mode: press-1, briefing_s: 15",
        "laboratory": "says: the laboratory, people: [{call: {first}, ring_s: 5}], mode: blind",
        "partner": f"says: the partner, people: [{away}, {{second}}], mode: blind",
        "board": "says: the board, people: [{first}, {call: {second}, mode: press-1}, {third}]",
    }
    run_dir = tmp_path_factory.mktemp(f"table-{request.param}")
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


@pytest.mark.parametrize(
    ("way", "status", "outcome"),
    [
        ("blind", 486, "busy"),
        pytest.param("warm", 503, "unreachable", marks=RARE),
        pytest.param("press-1", 404, "unreachable", marks=RARE),
        pytest.param("warm", 600, "busy", marks=RARE),
        pytest.param("press-1", 480, "no_answer", marks=RARE),
        pytest.param("press-1", 503, "unreachable", marks=RARE),
        pytest.param("press-1", 603, "declined", marks=RARE),
        pytest.param("blind", 480, "no_answer", marks=RARE),
        pytest.param("blind", 503, "unreachable", marks=RARE),
    ],
)
async def test_a_refusal_is_told(desk: Desk, way: str, status: int, outcome: str) -> None:
    """By the status that the telephone gives."""
    async with desk.caller(ASKS[way]) as caller:
        await (await ringing(desk.first)).reject(status)
        assert await said_after(caller)
    assert await outcomes(desk, caller) == [outcome]
    await nobody_is_left(desk)


@pytest.mark.parametrize("way", ["warm", pytest.param("press-1", marks=RARE), pytest.param("blind", marks=RARE)])
async def test_nobody_answers(desk: Desk, way: str) -> None:
    """It rings for as long as the manifest says: CANCEL, and the caller is told."""
    async with desk.caller(ASKS[way]) as caller:
        call = await ringing(desk.first)
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["no_answer"]


@RARE
async def test_an_address_without_a_telephone_is_followed_by_the_next(desk: Desk) -> None:
    """Nothing answers the INVITE at all; the second one does."""
    async with desk.caller(PARTNER) as caller, desk.second.pick_up(await ringing(desk.second)):
        await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["no_answer", "bridged"]
    await nobody_is_left(desk)


async def test_no_by_voice_then_yes_by_voice(desk: Desk) -> None:
    """One declines, is asked again later and accepts; until then neither has heard the other."""
    async with desk.caller(ASKS["warm"]) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await says(desk, human, "No, not now.")
            assert await human.ended() == ("remote", "bye")
        assert await said_after(caller)
        assert await outcomes(desk, caller) == ["declined"]
        await caller.say(ASKS["warm"])
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await caller.say("Are you there?")
            await says(desk, human, "Yes, put them through.")

            async def is_bridged() -> bool:
                return await outcomes(desk, caller) == ["declined", "bridged"]

            await eventually(is_bridged, limit_s=HEAR_S)
            assert not has_heard_caller(human)
            assert not await heard(caller, PHONE_HZ)
            hums(human)
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
            await caller.say("Hello, it is me.")
            await until(lambda: has_heard_caller(human), "words of the caller at the human")
        assert await caller.wait_hang_up(timeout_s=HEAR_S)
    await nobody_is_left(desk)


@pytest.mark.parametrize(
    ("words", "key", "outcome"),
    [
        pytest.param("I will call them back later.", "", "callback", marks=RARE),
        ("I am not here. Leave a message after the tone.", "", "voicemail"),
        pytest.param("", "3", "callback", marks=RARE),
        pytest.param("", "2", "declined", marks=RARE),
    ],
)
async def test_who_does_not_take_the_caller_gives_them_back(desk: Desk, words: str, key: str, outcome: str) -> None:
    """By what they say or press; the caller hears nothing of them."""
    async with desk.caller(ASKS["warm"]) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            if words:
                await says(desk, human, words)
            else:
                human.rtp.send_dtmf(key)
            assert await human.ended() == ("remote", "bye")
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == [outcome]


async def test_the_third_person_of_a_list_takes_the_caller(desk: Desk) -> None:
    """The first says no, the second presses 2, the third says yes: each leg ends before the next telephone rings."""
    async with desk.caller(BOARD) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await says(desk, human, "No.")
            assert await human.ended() == ("remote", "bye")
        async with desk.second.pick_up(await ringing(desk.second)) as human:
            await briefed(human)
            human.rtp.send_dtmf("2")
            assert await human.ended() == ("remote", "bye")
        async with desk.third.pick_up(await ringing(desk.third)) as human:
            await briefed(human)
            assert not await heard(caller, PHONE_HZ)
            await says(desk, human, "Yes.")
            hums(human)
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
            await caller.hang_up()
            assert await human.ended() == ("remote", "bye")
    assert await outcomes(desk, caller) == ["declined", "declined", "bridged"]
    await nobody_is_left(desk)


async def test_who_is_not_asked_and_answers_at_once_is_heard(desk: Desk) -> None:
    """0 ms of ringing, and sound from the first packet: a recording would be put through just so."""
    async with desk.caller(ASKS["blind"]) as caller, desk.first.pick_up(await desk.first.called()) as human:
        await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
        await caller.say("Hello, it is me.")
        await until(lambda: has_heard_caller(human), "words of the caller at the human")
        await caller.hang_up()
        assert await human.ended() == ("remote", "bye")
    assert await outcomes(desk, caller) == ["bridged"]


@RARE
async def test_a_human_who_hangs_up_instead_of_a_key_gives_the_caller_back(desk: Desk) -> None:
    """The caller is told."""
    async with desk.caller(ASKS["press-1"]) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == ["human_left"]


@RARE
@pytest.mark.parametrize("way", ["press-1", "blind"])
async def test_a_caller_who_hangs_up_while_it_rings_leaves_no_leg(desk: Desk, way: str) -> None:
    """CANCEL to the telephone."""
    async with desk.caller(ASKS[way]) as caller:
        call = await ringing(desk.first)
        await caller.hang_up()
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
    await nobody_is_left(desk)


@RARE
async def test_a_caller_who_hangs_up_before_anybody_is_dialled_leaves_no_leg(desk: Desk) -> None:
    """While the agent says whom it connects them with: no telephone rings."""
    async with desk.caller(ASKS["warm"]) as caller:
        assert caller.talk is not None
        assert await caller.talk.peer_begins(now_s(), timeout_s=HEAR_S)
        await caller.hang_up()
    await nobody_is_left(desk)
    assert desk.first.received.empty()

    async def is_told() -> bool:
        return await outcomes(desk, caller) == ["caller_left"]

    await eventually(is_told)


@pytest.mark.parametrize("way", ["warm", pytest.param("press-1", marks=RARE), pytest.param("blind", marks=RARE)])
async def test_a_caller_who_hangs_up_while_the_human_is_put_through_leaves_no_leg(desk: Desk, way: str) -> None:
    """The BYE and the human's yes cross: whichever comes first, both legs end."""
    async with desk.caller(ASKS[way]) as caller, desk.first.pick_up(await ringing(desk.first)) as human:
        if way != "blind":
            await briefed(human)
            human.rtp.send_dtmf("1")
        await caller.hang_up()
        assert await human.ended() == ("remote", "bye")
    await nobody_is_left(desk)

    async def is_told() -> bool:
        return await outcomes(desk, caller) in (["caller_left"], ["bridged"])

    await eventually(is_told)


@pytest.mark.parametrize("way", ["warm", pytest.param("press-1", marks=RARE)])
async def test_a_caller_changes_their_mind_while_the_human_is_briefed(desk: Desk, way: str) -> None:
    """BYE to the human; the talk goes on."""
    async with desk.caller(ASKS[way]) as caller:
        async with desk.first.pick_up(await ringing(desk.first)) as human:
            await briefed(human)
            await caller.say("Never mind.")
            assert await human.ended() == ("remote", "bye")
            assert not has_heard_caller(human)
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
        await caller.say("What are your opening hours?")
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["cancelled"]


@RARE
async def test_a_caller_changes_their_mind_before_a_key_could_be_pressed(desk: Desk) -> None:
    """CANCEL while it rings."""
    async with desk.caller(ASKS["press-1"]) as caller:
        call = await ringing(desk.first)
        await caller.say("Never mind.")
        await asyncio.wait_for(call.cancelled.wait(), HEAR_S)
        assert await said_after(caller)
    assert await outcomes(desk, caller) == ["cancelled"]


@pytest.mark.parametrize("way", ["warm", pytest.param("press-1", marks=RARE), pytest.param("blind", marks=RARE)])
async def test_an_answer_that_crosses_the_cancel_is_ended_at_once(desk: Desk, way: str) -> None:
    """The human's 200 comes after the caller has changed their mind: ACK, BYE, and nothing of them is heard."""
    async with desk.caller(ASKS[way]) as caller:
        call = await ringing(desk.first)
        deaf = desk.first.sip.faults.ignore("CANCEL")
        await caller.say("Never mind.")
        await until(lambda: deaf.hits, "CANCEL")
        async with desk.first.pick_up(call) as human:
            assert await human.ended() == ("remote", "bye")
        desk.first.sip.faults.clear()
        assert await said_after(caller)
        assert not await heard(caller, PHONE_HZ)
    assert await outcomes(desk, caller) == ["cancelled"]
    await nobody_is_left(desk)
