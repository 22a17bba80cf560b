"""One call of a run: short questions, each answered by the lab's receptionist with one short sentence."""

from __future__ import annotations

from dataclasses import dataclass

from bench.arms import Arm
from lab.caller.caller import RING_TIMEOUT_S, Caller
from lab.caller.phone_call import PhoneCall
from lab.caller.report import result_of
from lab.caller.result import CallResult, Turn
from lab.media.statistics import Lateness

QUESTIONS = ("What are your opening hours?", "Where is the clinic?", "Is there parking?", "How much is a check up?")
CALLER = "+919812345678"
GREETING_SILENCE_S = 1.2
"""The greeting has a pause of 0.8 s between its two sentences."""
ANSWER_SILENCE_S = 0.6
"""No answer of the receptionist has a pause above 0.35 s."""
ANSWER_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCall:
    """A call that is over. `planned` is how many questions it was to have; `lateness` is of the caller's packets."""

    arm: str
    planned: int
    result: CallResult
    lateness: Lateness

    @property
    def counted(self) -> list[Turn | None]:
        """All turns but the first; None for a question that was never asked."""
        turns: list[Turn | None] = list(self.result.turns)
        return (turns + [None] * (self.planned - len(turns)))[1:]


async def hold_call(caller: Caller, arm: Arm, *, sip: str, turns: int) -> HeldCall:
    """Call, hear the greeting, ask `turns` questions, hang up. Silence of the agent is a result."""
    call = await caller.start_call(arm.number, sip=sip, from_number=CALLER)
    try:
        if await call.wait_answered(ring_timeout_s=RING_TIMEOUT_S):
            await ask(call, turns)
    finally:
        await call.aclose()
    lateness = call.talk.rtp.lateness if call.talk else Lateness()
    return HeldCall(arm=arm.name, planned=turns, result=result_of(call), lateness=lateness)


async def ask(call: PhoneCall, turns: int) -> None:
    """Hear the greeting and ask; an unanswered question is given up after 10 s and the next one asked."""
    await call.hear_turn(timeout_s=ANSWER_LIMIT_S, silence_s=GREETING_SILENCE_S)
    for index in range(turns):
        if not call.is_up:
            return
        await call.say(QUESTIONS[index % len(QUESTIONS)])
        await call.hear_turn(timeout_s=ANSWER_LIMIT_S, silence_s=ANSWER_SILENCE_S)
