"""One caller and the agent: greeting, tool, interruption, keys, both ways to end."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np
import pytest
import soundfile
from livekit import api

from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.demo import digits_of, looked_up
from lab.speech.ears import Ears
from lab.stack import Stack
from tests.scenarios.conftest import DOORS, calls_of, eventually, logs_of_calls

pytestmark = [pytest.mark.scenario, pytest.mark.parametrize("stack", DOORS, indirect=True, scope="session")]
LIMIT_S = 30.0


def caller_number() -> str:
    """Return a number that no other test calls from, so that its rooms can be told apart."""
    return f"+9198{secrets.randbelow(10**8):08d}"


async def connected(phone: Caller, stack: Stack, caller: str | None = None) -> PhoneCall:
    """Call the stack's number and hear the greeting."""
    call = await phone.dial(stack.numbers[0], sip=stack.calls_to, from_number=caller or caller_number())
    assert call.status == 200
    greeting = await call.hear_turn(timeout_s=LIMIT_S)
    assert greeting is not None
    return call


async def answer_to(call: PhoneCall, question: str) -> str:
    """Ask, and return what was heard."""
    await call.say(question)
    turn = await call.hear_turn(timeout_s=LIMIT_S)
    assert turn is not None, call.failures
    return turn.text or ""


async def test_the_caller_hears_the_whole_greeting(phone: Caller, stack: Stack) -> None:
    """The first words are not lost between the answer and the opening of the audio path."""
    call = await phone.dial(stack.numbers[0], sip=stack.calls_to, from_number=caller_number())
    turn = await call.hear_turn(timeout_s=LIMIT_S)
    assert turn is not None
    assert "hello, this is lotus dental clinic" in (turn.text or "").lower()
    assert "help" in (turn.text or "").lower()


async def test_a_question_is_answered_with_what_the_tool_found(
    phone: Caller, stack: Stack, ears: Ears, tmp_path: Path
) -> None:
    """The code is drawn at run time; it must be in the caller's own recording, read by a recogniser of its own."""
    call = await connected(phone, stack)
    await answer_to(call, "My name is Anita and I would like to know my appointment code.")
    await call.hang_up()
    await call.recording(tmp_path / "call.wav")
    sound, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
    heard = ears.recognise(np.ascontiguousarray(sound[:, 1]), sample_rate=rate)
    code = await looked_up(stack.speech_url)
    assert code is not None
    assert code in digits_of(heard)


async def test_an_interruption_stops_the_agent_and_is_answered(phone: Caller, stack: Stack) -> None:
    """The long answer is not spoken to its end, and the next words answer the interruption."""
    call = await connected(phone, stack)
    await call.say("Please tell me about your services.")
    await call.barge_in("Wait, where is the clinic?", after_s=2.0, timeout_s=LIMIT_S)
    interrupted = call.heard[-1]
    turn = await call.hear_turn(timeout_s=LIMIT_S)
    assert turn is not None
    assert "park street" in (turn.text or "").lower()
    assert "family" in (interrupted.text or "").lower()
    assert "emergency" not in " ".join(heard.text or "" for heard in call.heard).lower()


async def test_keys_reach_the_agent(phone: Caller, stack: Stack) -> None:
    """RFC 4733 events become a message to the model, which reads the keys back."""
    call = await connected(phone, stack)
    await call.send_digits("429#")
    turn = await call.hear_turn(timeout_s=LIMIT_S)
    assert turn is not None
    assert "429" in digits_of(turn.text or "")


async def test_nothing_of_a_call_is_left_after_the_caller_hung_up(
    phone: Caller, stack: Stack, livekit_api: api.LiveKitAPI
) -> None:
    """Neither the room (or the seat) nor the agent outlives the call."""
    caller = caller_number()
    call = await connected(phone, stack, caller)
    assert await calls_of(stack, livekit_api, caller[1:]) == 1
    ended_before = _ended_calls(stack)
    await call.hang_up()

    async def all_gone() -> bool:
        return not await calls_of(stack, livekit_api, caller[1:]) and _ended_calls(stack) > ended_before

    await eventually(all_gone)


async def test_the_agent_says_goodbye_to_its_end_and_hangs_up(phone: Caller, stack: Stack) -> None:
    """The caller gets a BYE, after the last word."""
    call = await connected(phone, stack)
    await call.say("Thank you and goodbye.")
    assert await call.wait_hang_up(timeout_s=LIMIT_S)
    await call.aclose()
    last = (call.heard[-1].text or "").lower()
    assert "thank you for calling" in last
    assert last.rstrip(" .!").endswith(("goodbye", "good bye"))


def _ended_calls(stack: Stack) -> int:
    """Count the talks that ended."""
    return sum(path.read_text().count("call ended") for path in logs_of_calls(stack))
