"""A caller is handed to a human, on the whole stack with real SIP legs; who hears what is told by the sound."""

from __future__ import annotations

import ast
import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.media.codec import Samples
from lab.sip.call import IncomingCall
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from telephony.call_tag import call_tag
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import PHONE_HZ, Line, Telephone, telephone
from tests.scenarios.conftest import NODES, eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

NUMBER = "+918071000501"
MANIFEST = """\
version: 1
deployment: desk
agents:
  desk:
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Be brief and kind.
    tools: [end_call]
    transfers: [front-office]
targets:
  front-office:
    says: the front office
    people: [{people}]
numbers:
  - {{ number: "{number}", route: {{ agent: desk }} }}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""
HEAR_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The stack, and the telephones of two colleagues who may be dialled."""

    stack: Stack
    first: Telephone
    second: Telephone

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[PhoneCall]:
        """Yield a caller who has heard the greeting and asked for a person."""
        async with Caller(ToneVoice(), speech_url=self.stack.speech_url) as caller:
            call = await caller.dial(NUMBER, sip=self.stack.sip.address)
            assert call.is_up, call.reason
            assert await call.hear_turn(timeout_s=HEAR_S)
            await call.say("I want to talk to a person.")
            yield call


@pytest.fixture(scope="module", params=NODES)
async def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Yield a stack whose agent may hand callers to two people, one after the other."""
    run_dir: Path = tmp_path_factory.mktemp(f"desk-{request.param}")
    async with telephone("") as first, telephone("") as second:
        people = ", ".join(f'"sip:{name}@{phone.address}"' for name, phone in (("asha", first), ("ravi", second)))
        path = run_dir / "desk.yaml"
        path.write_text(MANIFEST.format(number=NUMBER, people=people))
        options = StackOptions(
            run_dir=run_dir, manifest=path, gateway=request.param, voice="tone", ears="oracle", warm=2
        )
        async with local_stack(options) as stack:
            yield Desk(stack=stack, first=first, second=second)


def has_tone(sound: Samples, hertz: float, rate: int) -> bool:
    """Say whether a tone stands out anywhere in a sound, 0.1 s at a time."""
    size = rate // 10
    for start in range(0, len(sound) - size, size):
        piece = sound[start : start + size].astype(np.float64) * np.hanning(size)
        spectrum = np.abs(np.fft.rfft(piece))
        place = round(hertz * size / rate)
        if (
            spectrum[place - 1 : place + 2].max() > 40 * size
            and spectrum[place - 1 : place + 2].max() > 0.3 * spectrum.max()
        ):
            return True
    return False


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


async def ringing(phone: Telephone) -> IncomingCall:
    """Wait for a telephone's call, and let it ring."""
    call = await phone.called()
    await call.ringing()
    await asyncio.sleep(0.5)
    return call


async def briefed(human: Line) -> None:
    """Wait for the agent's words."""
    await until(lambda: human.ear.frequency is not None, "words of the agent at the human")


def now_s() -> float:
    """Return the clock of the tracks."""
    return time.monotonic()


async def heard(call: PhoneCall, hertz: float, *, since_s: float = 0.0) -> bool:
    """Say whether a caller has heard a tone since then."""
    assert call.talk is not None
    track = call.talk.peer
    return has_tone(track.sound(max(since_s, call.sip.invited_s), now_s()), hertz, track.sample_rate)


async def said_after(call: PhoneCall) -> bool:
    """Wait for words of the agent: tones of its voice, and not the hold sound's."""
    since_s = now_s()
    assert call.talk is not None
    track = call.talk.peer

    async def spoken() -> bool:
        sound = track.sound(since_s, now_s())
        return any(has_tone(sound, hertz, track.sample_rate) for hertz in range(220, 440, 10))

    await eventually(spoken, limit_s=HEAR_S)
    return await call.talk.peer_is_silent(1.5, timeout_s=HEAR_S)


async def outcomes(desk: Desk, call: PhoneCall) -> list[str]:
    """Return how the attempts of a call ended, as the worker's log has them."""
    tag = call_tag(call.sip.call_id)
    lines = [line for worker in desk.stack.workers for line in worker.log_path.read_text().splitlines()]
    job = next(match[1] for line in lines if f"tag={tag}" in line and (match := re.search(r"job_id=(\S+)", line)))
    told = [match[1] for line in lines if f"job_id={job}" in line and (match := re.search(r"tried=(\[.*?\])", line))]
    return [outcome for words in told for outcome in ast.literal_eval(words)]
