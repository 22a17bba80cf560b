"""agent/job.py, talk.py, session.py: one call in a real room, with the real plugins on the speech stand-ins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from agent.conversation.sentences import GIVE_UP, TRY_AGAIN
from lab.servers.process import Child
from lab.speech.voice import ToneVoice
from tests.agent.leg import LOUD, RATE
from tests.agent.rig import Rig, logged

RIG = "calls"
GREETING = "Hello, this is the desk. How can I help you?"
GOODBYE = "Thank you for calling the desk. Goodbye."


@pytest.fixture(scope="module")
async def worker(rig: Rig) -> AsyncIterator[Child]:
    """Yield a worker whose log holds what was said."""
    async with rig.worker(RIG, max_calls=20, warm=2, environ={"DIALROOM_LOG_PERSONAL_DATA": "1"}) as running:
        yield running


def is_all_of(text: str, heard_s: float) -> bool:
    """Say whether so much sound may be all of a text in the agent's voice: on a busy machine it has gaps."""
    whole_s = len(ToneVoice().speak(text, sample_rate=RATE)) / RATE
    return whole_s - 0.3 <= heard_s <= whole_s + 3.0


async def test_the_agent_publishes_while_it_rings_and_greets_after_the_answer(rig: Rig, worker: Child) -> None:
    """livekit-sip answers when the agent publishes; words before the answer would be lost."""
    async with rig.ring(RIG, answers=False) as leg:
        await leg.published()
        await asyncio.sleep(1.0)
        assert leg.first_heard_s() is None
        await leg.answer()
        began_s = await leg.hear()
        assert is_all_of(GREETING, await leg.hear_end() - began_s)
    call = await logged(worker, "call taken", call_id=f"SCL_{leg.room}")
    assert (call["pii_caller"], call["pii_called"], call["trunk"]) == ("+919812345678", "+918071000001", "ST_1")


async def test_a_leg_that_is_active_already_is_greeted(rig: Rig, worker: Child) -> None:
    """The status is read, not only waited for."""
    async with rig.ring(RIG, answers=False, status="active") as leg:
        await leg.hear()


async def test_a_question_is_answered_by_a_tool(rig: Rig, worker: Child) -> None:
    """The caller's words reach the model, the tool reaches the office, its answer reaches the caller."""
    code = rig.services.state.code_of("Meera")
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        await rig.ask(leg, "What is the appointment code of Meera?")
    spelled = " ".join(code)
    assert f"Your appointment code is {spelled}." in rig.services.noted("spoken")
    called = await logged(worker, "tool called", call_id=f"SCL_{leg.room}")
    assert (called["tool"], called["failed"]) == ("appointment_code", False)
    turn = await logged(worker, "turn", call_id=f"SCL_{leg.room}", role="user")
    assert turn["pii_text"] == "What is the appointment code of Meera?"
    assert turn["end_of_turn_delay_ms"] > 0


async def test_the_caller_can_interrupt_the_agent(rig: Rig, worker: Child) -> None:
    """The agent stops, and only what was heard of its reply stays in the conversation."""
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        await leg.hear(after_s=await rig.say(leg, "What services do you have?"))
        await asyncio.sleep(1.5)
        said_s = await rig.say(leg, "Where are you? I want to come to you now, please.")
        assert [at for at, loudness in leg.heard if said_s - 0.5 < at < said_s and loudness > LOUD] == []
        await leg.hear(after_s=said_s)
        await leg.hear_end()
    cut = await logged(worker, "turn", call_id=f"SCL_{leg.room}", interrupted=1)
    assert "We look after the whole family.".startswith(cut["pii_text"][:20])
    assert not cut["pii_text"].endswith("in the afternoon.")


async def test_keys_reach_the_model(rig: Rig, worker: Child) -> None:
    """With # at once, without it after a pause."""
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        await leg.press("12#")
        await leg.hear(after_s=time.monotonic())
        await leg.hear_end()
        await leg.press("7")
        await leg.hear(after_s=time.monotonic())
        await leg.hear_end()
    assert {"You pressed 1 2 hash.", "You pressed 7."} <= set(rig.services.noted("spoken"))


async def test_a_caller_who_hangs_up_leaves_nothing_behind(rig: Rig, worker: Child) -> None:
    """Room and job are gone; the log tells how it ended."""
    async with rig.ring(RIG) as leg:
        await leg.hear()
        room = leg.room
    await rig.room_gone(room)
    ended = await logged(worker, "call ended", call_id=f"SCL_{room}")
    assert ended["reason"] == "caller left"
    assert ended["published_ms"] <= ended["answered_ms"] <= ended["first_words_ms"]


async def test_a_caller_who_gives_up_while_it_rings_is_not_greeted(rig: Rig, worker: Child) -> None:
    """The room goes, and nothing was said."""
    async with rig.ring(RIG, answers=False) as leg:
        await leg.published()
        room = leg.room
    await rig.room_gone(room)
    assert "first_words_ms" not in await logged(worker, "call ended", call_id=f"SCL_{room}")


async def test_the_goodbye_is_heard_to_its_end_and_then_the_call_ends(rig: Rig, worker: Child) -> None:
    """Also when the caller talks into it: the agent hangs up, not in the middle of a word."""
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        began_s = await leg.hear(after_s=await rig.say(leg, "Goodbye."))
        await rig.say(leg, "Thank you, thank you very much.")
        await leg.hung_up()
        assert is_all_of(GOODBYE, (leg.last_heard_s() or 0.0) - began_s)
        room = leg.room
    await rig.room_gone(room)
    assert (await logged(worker, "call ended", call_id=f"SCL_{room}"))["reason"] == "agent said goodbye"


async def test_a_failing_model_is_apologised_for_and_then_given_up(rig: Rig, worker: Child) -> None:
    """The caller is never left in silence: one more try, then a sentence and the end."""
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        rig.services.state.settings.llm.fault = "500"
        said_s = await rig.say(leg, "Where are you?")
        sorry_s = await leg.hear(after_s=said_s)
        assert is_all_of(TRY_AGAIN, await leg.hear_end() - sorry_s)
        said_s = await rig.say(leg, "Where are you?")
        sorry_s = await leg.hear(after_s=said_s)
        await leg.hung_up()
        assert is_all_of(GIVE_UP, (leg.last_heard_s() or 0.0) - sorry_s)
    assert (await logged(worker, "call ended", call_id=f"SCL_{leg.room}"))["reason"] == "services failed"


async def test_a_voice_that_fails_in_the_call_is_apologised_for_by_prepared_speech(rig: Rig, worker: Child) -> None:
    """The apology needs no service; when the voice is back, the talk goes on."""
    async with rig.ring(RIG) as leg:
        await leg.hear_end()
        rig.services.state.settings.tts.fault = "cut"
        rig.services.state.settings.tts.times = 1
        sorry_s = await leg.hear(after_s=await rig.say(leg, "Where are you?"))
        assert is_all_of(TRY_AGAIN, await leg.hear_end(silence_s=2.0) - sorry_s)
        await rig.ask(leg, "Where are you?")
    ended = await logged(worker, "call ended", call_id=f"SCL_{leg.room}")
    assert ended["reason"] == "caller left"


@pytest.mark.parametrize(
    "metadata", ["", "not json", '{"v": 2}', '{"v":1,"deployment":"calls","agent":"nobody","number":"+918071000001"}']
)
async def test_a_call_for_an_agent_that_is_not_here_is_ended(rig: Rig, worker: Child, metadata: str) -> None:
    """A rule of another version or manifest: the caller hears busy, not ringing for minutes."""
    async with rig.ring(RIG, metadata=metadata) as leg:
        await leg.hung_up()
        assert leg.published_s is None


async def test_a_caller_who_wrote_the_carriers_range_into_from_is_refused(rig: Rig, worker: Child) -> None:
    """LiveKit takes that text for the carrier's address; the caller hears busy, and not a word of the agent."""
    async with rig.ring(RIG, host="13.233.44.61/32") as leg:
        await leg.hung_up()
        assert leg.published_s is None
