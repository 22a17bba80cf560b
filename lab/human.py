"""The second telephone of a transfer: whom the agent dials, what they do, and what they heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lab.caller.caller import Caller
from lab.caller.events import CallEvent, OnEvent, first_of
from lab.caller.phone_call import PhoneCall
from lab.caller.result import CallResult, HumanResult
from lab.caller.run import follow
from lab.caller.script import Script
from lab.media.packet import DTMF_DIGITS
from lab.terminal.call import Screen
from lab.terminal.transfer import transfer_line
from telephony.errors import UserError, WorldError

ANSWERS_AFTER_S: Final = 1.0
ACCEPTS: Final = "Yes, put them through."
GREETS: Final = "Hello, this is Asha from the front office."
LISTENS_S: Final = 6.0
"""After so much of the briefing the human says or presses what they want."""
CONNECTS_S: Final = 3.0
"""What a human waits after that, before they greet the caller."""
HEAR_S: Final = 30.0
PAUSE_S: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanPlan:
    """What the human does: answers, listens, says or presses something, and greets whoever is there then."""

    answers_after_s: float = ANSWERS_AFTER_S
    says: str = ACCEPTS
    presses: str = ""
    greets: str = GREETS


def plan_of(human: str | None, *, answers_after_s: float | None, says: str | None, presses: str | None) -> HumanPlan:
    """Return the plan out of a command's options. Raises UserError for what does not go together."""
    given = {"--human-answers-after": answers_after_s, "--human-says": says, "--human-presses": presses}
    named = [name for name, value in given.items() if value is not None]
    if human is None and named:
        raise UserError(f"{named[0]} is about a second telephone: open one with --human HOST:PORT")
    if says is not None and presses is not None:
        raise UserError("--human-says and --human-presses do not go together: give one of them")
    if says is not None and not says.strip():
        raise UserError("--human-says is empty: give the words")
    if presses is not None and (not presses or not set(presses.upper()) <= set(DTMF_DIGITS)):
        raise UserError(f"--human-presses {presses!r}: only {' '.join(DTMF_DIGITS)} can be pressed")
    return HumanPlan(
        answers_after_s=ANSWERS_AFTER_S if answers_after_s is None else answers_after_s,
        says="" if presses else says or ACCEPTS,
        presses=presses or "",
    )


class Human:
    """Takes one call at a telephone and follows a plan."""

    def __init__(self, phone: Caller, plan: HumanPlan, *, on_event: OnEvent | None) -> None:
        self._phone, self._plan, self._on_event = phone, plan, on_event
        self._call: PhoneCall | None = None
        self._greeted, self._over = asyncio.Event(), asyncio.Event()
        self._failures: list[str] = []

    async def run(self) -> None:
        """Wait for the call and take it, to its end."""
        self._call = call = await self._phone.called(on_event=self._on_event)
        try:
            await call.wait(self._plan.answers_after_s)
            if await self._phone.answer(call):
                await self._talk(call)
                await first_of(call.sip.ended, timeout_s=None)
        except WorldError as error:
            self._failures.append(str(error))
        finally:
            self._over.set()

    async def meet(self, timeout_s: float) -> str | None:
        """Wait until the human has greeted the caller; return what went wrong."""
        await first_of(self._greeted, self._over, timeout_s=timeout_s)
        if self._greeted.is_set():
            return None
        if self._call is None:
            return f"the colleague's telephone did not ring in {timeout_s:g} s"
        late = f"the colleague did not talk within {timeout_s:g} s"
        return "the colleague's call was over before they could talk" if self._over.is_set() else late

    async def ended(self, timeout_s: float) -> HumanResult:
        """Wait for the end of the human's leg, after the caller's; a leg that stays up is a failure."""
        call = self._call
        if call is None:
            host, port = self._phone.sip.address
            where = f"does a target of the manifest name sip:SOMEBODY@{host}:{port}?"
            return HumanResult(rang=False, failures=(f"the colleague's telephone did not ring: {where}",))
        await first_of(self._over, timeout_s=timeout_s)
        if not self._over.is_set():
            self._failures.append("the colleague's line stayed up after the caller had hung up")
        await call.aclose()
        ended = call.sip.end_reason
        return HumanResult(
            rang=True,
            answered=call.talk is not None,
            said=tuple(utterance.text for utterance in call.talk.utterances) if call.talk else (),
            heard=tuple(turn.text for turn in call.heard),
            ended_by="none" if ended is None else "human" if ended.by == "local" else "other",
            failures=(*self._failures, *call.failures),
        )

    async def _talk(self, call: PhoneCall) -> None:
        await call.wait(LISTENS_S)
        if self._plan.presses:
            await call.send_digits(self._plan.presses)
        else:
            await call.say(self._plan.says, barged_in=True)
        await call.wait(CONNECTS_S)
        if call.is_up:
            await call.say(self._plan.greets)
            self._greeted.set()
            await call.hear_turn(timeout_s=HEAR_S, silence_s=PAUSE_S)


@asynccontextmanager
async def human_at(phone: Caller, plan: HumanPlan, *, on_event: OnEvent | None = None) -> AsyncIterator[Human]:
    """Yield a human who takes the next call at a telephone that takes calls."""
    await phone.prepare([(words,) for words in (plan.says, plan.greets) if words])
    human = Human(phone, plan, on_event=on_event)
    waiting = asyncio.create_task(human.run())
    try:
        yield human
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def call_with_human(
    script: Script,
    number: str,
    *,
    caller: Caller,
    sip: str,
    from_number: str,
    phone: Caller,
    plan: HumanPlan,
    screen: Screen,
    recording: Path | None = None,
) -> CallResult:
    """Make a call of `caller`, in which somebody at `phone` may be dialled, and show both telephones' events."""
    began_s = time.monotonic()
    offsets: dict[str, float] = {}

    def tell(who: str) -> OnEvent:
        def show(event: CallEvent) -> None:
            offset_s = offsets.setdefault(who, time.monotonic() - began_s)  # the first event is the INVITE
            if line := transfer_line(who, event, offset_s=offset_s):
                screen.show(line)

        return show

    async with human_at(phone, plan, on_event=tell("colleague")) as human:
        began_s = time.monotonic()
        called = await follow(
            caller,
            script,
            number,
            sip=sip,
            from_number=from_number,
            recording=recording,
            on_event=tell("caller"),
            meet=human.meet,
        )
        return replace(called, human=await human.ended(HEAR_S))
