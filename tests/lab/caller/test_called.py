"""A call that comes to the synthetic caller: ringing, answer, talk both ways, the end by either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lab.caller.caller import Caller
from lab.speech.voice import ToneVoice

pytestmark = pytest.mark.timeout(60)
LIMIT_S = 20.0


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Caller, Caller]]:
    """Yield somebody who calls and somebody who is called."""
    async with Caller(ToneVoice()) as one, Caller(ToneVoice(), takes_calls=True) as other:
        yield one, other


def address(caller: Caller) -> str:
    return f"{caller.sip.address[0]}:{caller.sip.address[1]}"


async def test_both_sides_talk_and_the_one_who_was_called_hangs_up(pair: tuple[Caller, Caller]) -> None:
    """Each hears the other; the events are told on both sides."""
    one, other = pair
    call = await one.start_call("+918071000001", sip=address(other))
    came = await asyncio.wait_for(other.called(), LIMIT_S)
    answered = asyncio.create_task(other.answer(came))
    assert await call.wait_answered(ring_timeout_s=LIMIT_S)
    assert await answered
    await call.say("One two three.")
    assert await came.hear_turn(timeout_s=LIMIT_S)
    await came.say("Four five.")
    assert await call.hear_turn(timeout_s=LIMIT_S)
    await came.hang_up()
    assert await call.wait_hang_up(timeout_s=LIMIT_S)
    assert [event.kind for event in came.events] == ["invited", "answered", "agent", "said", "ended"]
    assert [step.status for step in call.sip.progress] == [100, 180, 200]


async def test_a_caller_who_is_gone_before_the_answer_leaves_no_talk(pair: tuple[Caller, Caller]) -> None:
    """Picking up then is no error."""
    one, other = pair
    call = await one.start_call("+918071000001", sip=address(other))
    came = await asyncio.wait_for(other.called(), LIMIT_S)
    await call.hang_up()
    await asyncio.wait_for(came.sip.ended.wait(), LIMIT_S)
    assert not await other.answer(came)
    assert came.talk is None


async def test_a_call_that_is_not_picked_up_is_refused_when_it_is_closed(pair: tuple[Caller, Caller]) -> None:
    """480, and nothing rings on."""
    one, other = pair
    call = await one.start_call("+918071000001", sip=address(other))
    came = await asyncio.wait_for(other.called(), LIMIT_S)
    await came.aclose()
    assert not await call.wait_answered(ring_timeout_s=LIMIT_S)
    assert call.status == 480
