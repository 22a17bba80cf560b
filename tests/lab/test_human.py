"""The second telephone by itself: called, or not, by somebody who plays the agent."""

from __future__ import annotations

import asyncio

import pytest

from lab.caller.caller import Caller
from lab.human import HumanPlan, human_at, plan_of
from lab.speech.voice import ToneVoice
from telephony.errors import UserError

pytestmark = pytest.mark.timeout(60)
LIMIT_S = 30.0


@pytest.mark.parametrize("plan", [HumanPlan(answers_after_s=0.1), HumanPlan(says="", presses="1", greets="Hello.")])
async def test_who_is_called_answers_decides_and_greets(plan: HumanPlan) -> None:
    """Then both have met, and the end of the call is the end of the human's leg."""
    async with Caller(ToneVoice()) as agent, Caller(ToneVoice(), takes_calls=True) as phone:
        host, port = phone.sip.address
        async with human_at(phone, plan) as human:
            call = await agent.dial("asha", sip=f"{host}:{port}")
            assert call.talk is not None
            await call.say("I have a caller for you.")
            assert await human.meet(LIMIT_S) is None
            await call.hang_up()
            told = await human.ended(LIMIT_S)
    assert (told.rang, told.answered, told.ended_by, told.failures) == (True, True, "other", ())
    assert told.said == tuple(words for words in (plan.says, plan.greets) if words)
    assert call.talk.digits == list(plan.presses)
    assert len(told.heard) == 1


async def test_who_is_given_up_while_it_rings_has_not_talked() -> None:
    """CANCEL: no failure of the telephone, and nobody to meet."""
    async with Caller(ToneVoice()) as agent, Caller(ToneVoice(), takes_calls=True) as phone:
        host, port = phone.sip.address
        async with human_at(phone, HumanPlan(answers_after_s=LIMIT_S)) as human:
            call = await agent.start_call("asha", sip=f"{host}:{port}")
            await asyncio.sleep(0.5)
            await call.hang_up()
            assert await human.meet(LIMIT_S) == "the colleague's call was over before they could talk"
            told = await human.ended(LIMIT_S)
    assert (told.rang, told.answered, told.failures) == (True, False, ())


async def test_whom_nobody_calls_is_told_with_the_address_to_look_for() -> None:
    """The usual mistake: no target names the telephone."""
    async with Caller(ToneVoice(), takes_calls=True) as phone, human_at(phone, HumanPlan()) as human:
        assert await human.meet(0.1) == "the colleague's telephone did not ring in 0.1 s"
        told = await human.ended(LIMIT_S)
    assert not told.rang
    assert f":{phone.sip.address[1]}?" in told.failures[0]


def test_options_that_do_not_go_together() -> None:
    """Each is told in words."""
    assert plan_of("127.0.0.1:1", answers_after_s=None, says=None, presses="1") == HumanPlan(says="", presses="1")
    with pytest.raises(UserError, match="give the words"):
        plan_of("127.0.0.1:1", answers_after_s=None, says=" ", presses=None)
    with pytest.raises(UserError, match="open one with --human"):
        plan_of(None, answers_after_s=0.0, says=None, presses=None)
