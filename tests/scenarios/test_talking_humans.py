"""A human who talks all the while still hears who calls, and what they have said meanwhile counts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent.conversation.handing_over import announcement, keys_announcement
from lab.speech.voice import Voice
from tests.agent.talking import in_breaths, then_silent, without_pause
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ, Line
from tests.scenarios.conftest import NODES, eventually
from tests.scenarios.desk import HEAR_S, Desk, ask_for, heard, hums, open_desk, outcomes, said_after, says
from tests.scenarios.spoken import hears_to_the_end

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

REASON = "Anita has a question."
OPENING = f"Hello. I have a caller for you. {REASON}"
ASKED = announcement(OPENING)
TALKS = {"without a pause": without_pause, "in breaths": in_breaths}


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a desk whose colleague may be asked by voice or by key."""
    targets = {
        "front-office": "says: the front office, people: [{first}]",
        "manager": "says: the manager, people: [{first}], mode: press-1",
    }
    run_dir = tmp_path_factory.mktemp(f"talking-{request.param}")
    async with open_desk(run_dir, gateway=request.param, targets=targets) as it:
        yield it


async def hears(human: Line, words: str) -> None:
    """Wait until a colleague has heard the end of some words of the agent."""
    await until(lambda: hears_to_the_end(human.ear.sound, words), f"end of {words!r} at the human")


@pytest.mark.parametrize("talk", ["without a pause", pytest.param("in breaths", marks=pytest.mark.full)])
async def test_who_never_stops_talking_is_briefed_and_takes_the_call_by_key(
    desk: Desk, voice: Voice, talk: str
) -> None:
    """From the first packet of a telephone that did not even ring."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "front-office", REASON)
        async with desk.first.pick_up(await desk.first.called()) as human:
            human.rtp.next_frame = TALKS[talk](voice)
            await hears(human, ASKED)
            human.rtp.send_dtmf("1")
            hums(human)
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]


@pytest.mark.full
@pytest.mark.parametrize("talk", TALKS)
async def test_who_is_asked_for_a_key_hears_it_while_they_talk(desk: Desk, voice: Voice, talk: str) -> None:
    """They are muted: the agent does not hear them at all."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "manager", REASON)
        async with desk.first.pick_up(await desk.first.called()) as human:
            human.rtp.next_frame = TALKS[talk](voice)
            await hears(human, keys_announcement(OPENING))
            human.rtp.send_dtmf("2")
            assert await human.ended() == ("remote", "bye")
    assert await outcomes(desk, caller) == ["declined"]


async def test_who_greets_first_is_briefed_and_says_yes(desk: Desk, voice: Voice) -> None:
    """As everybody does who picks up a telephone."""
    async with desk.caller("Hello.") as caller:
        assert await said_after(caller)
        await ask_for(desk, caller, "front-office", REASON)
        async with desk.first.pick_up(await desk.first.called()) as human:
            human.rtp.next_frame = then_silent(voice, 1.5)
            await hears(human, ASKED)
            await says(desk, human, "Yes, put them through.")
            hums(human)
            await eventually(lambda: heard(caller, PHONE_HZ), limit_s=HEAR_S)
    assert await outcomes(desk, caller) == ["bridged"]
