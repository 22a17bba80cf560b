"""The second act of `make demo`: the caller asks for a human, a colleague's telephone rings, they talk."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

from lab.caller.caller import Caller
from lab.caller.events import CallEvent, OnEvent
from lab.caller.phone_call import PhoneCall
from lab.stack import Stack
from lab.terminal.call import Screen
from lab.terminal.transfer import transfer_line

HEAR_S: Final = 30.0
RING_S: Final = 30.0
THINKS_S: Final = 0.8
PAUSE_S: Final = 0.6
INTERRUPTS_S: Final = 1.2
"""After so much of the greeting the caller interrupts it."""
LISTENS_S: Final = 5.0
"""After so much of the briefing the colleague says yes."""
CONNECTS_S: Final = 2.0
"""What a human waits after having said yes."""
ASKS: Final = "Sorry, I have a question about my bill."
ACCEPTS: Final = "Yes, put them through."
GREETS: Final = "Hello, this is Asha from the front office."
ANSWERS: Final = "Hello Asha, I paid twice."
PRIVATE_WORDS: Final = ("through", "a bill", "for you")
"""Of the briefing: what the caller must not hear."""
GREETED_WORDS: Final = ("from the front",)
ANSWERED_WORDS: Final = ("paid", "twice")


@dataclass(kw_only=True)
class TransferResult:
    """What was heard at both telephones, and what was not as it should be."""

    caller_heard: list[str] = field(default_factory=list)
    colleague_heard: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was as it should be."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "caller_heard": self.caller_heard,
            "colleague_heard": self.colleague_heard,
            "failures": self.failures,
            "passed": self.passed,
        }

    def verdict(self) -> str:
        """Return the lines of the summary."""
        if self.failures:
            return "\n".join(f"  NOT AS EXPECTED: {failure}" for failure in self.failures)
        return "\n".join(
            [
                "  the colleague was told in private why the caller calls; the caller heard nothing of it",
                "  then both heard each other, and when the caller hung up, so did the colleague's line",
            ]
        )


async def run_transfer(
    stack: Stack, *, caller: Caller, colleague: Caller, from_number: str, screen: Screen
) -> TransferResult:
    """Make the call. `colleague` takes calls at the address that the manifest has."""
    result = TransferResult()
    began_s = time.monotonic()
    offsets: dict[str, float] = {}

    def tell(who: str) -> OnEvent:
        def show(event: CallEvent) -> None:
            offset_s = offsets.setdefault(who, time.monotonic() - began_s)  # the first event is the INVITE
            if line := transfer_line(who, event, offset_s=offset_s):
                screen.show(line)

        return show

    call = await caller.dial(
        stack.numbers[0], sip=stack.sip.address, from_number=from_number, ring_timeout_s=RING_S, on_event=tell("caller")
    )
    try:
        if not call.is_up:
            result.failures.append(f"the call was not answered: {call.reason}")
            return result
        await call.barge_in(ASKS, after_s=INTERRUPTS_S, timeout_s=HEAR_S)
        await call.hear_turn(timeout_s=HEAR_S, silence_s=PAUSE_S)
        try:
            async with asyncio.timeout(RING_S):
                phone = await colleague.called(on_event=tell("colleague"))
        except TimeoutError:
            result.failures.append("the colleague's telephone did not ring")
            return result
        await _talk(result, caller=call, colleague=phone, exchange=colleague)
    finally:
        await call.aclose()
    return result


async def _talk(result: TransferResult, *, caller: PhoneCall, colleague: PhoneCall, exchange: Caller) -> None:
    await colleague.wait(THINKS_S)
    if not await exchange.answer(colleague):
        result.failures.append(f"the colleague could not pick up: {colleague.reason}")
        return
    try:
        if await colleague.barge_in(ACCEPTS, after_s=LISTENS_S, timeout_s=HEAR_S) is None:
            result.failures.append("the colleague heard nothing of the agent")
        await colleague.wait(CONNECTS_S)
        await colleague.say(GREETS)
        await caller.hear_turn(timeout_s=HEAR_S, silence_s=PAUSE_S)
        await caller.say(ANSWERS)
        await colleague.hear_turn(timeout_s=HEAR_S, silence_s=PAUSE_S)
        await caller.hang_up()
        if not await colleague.wait_hang_up(timeout_s=HEAR_S):
            result.failures.append("the colleague's line stayed up after the caller had hung up")
    finally:
        await colleague.aclose()
    result.caller_heard = [turn.text or "" for turn in caller.heard]
    result.colleague_heard = [turn.text or "" for turn in colleague.heard]
    if _has(result.caller_heard, PRIVATE_WORDS):
        result.failures.append("the caller heard the colleague before the colleague took the call")
    if not _has(result.caller_heard, GREETED_WORDS):
        result.failures.append("the caller did not hear the colleague")
    if not _has(result.colleague_heard, ANSWERED_WORDS):
        result.failures.append("the colleague did not hear the caller")


def _has(heard: list[str], words: tuple[str, ...]) -> bool:
    return any(word in text.lower() for text in heard for word in words)
