"""One caller that follows a script; the result is a value, whatever happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from lab.caller.caller import Caller
from lab.caller.events import CallEvent, OnEvent
from lab.caller.phone_call import PhoneCall, Recogniser
from lab.caller.recording import write_notes
from lab.caller.report import result_of
from lab.caller.result import CallResult
from lab.caller.script import Script, Step
from lab.speech.voice import Voice
from telephony.errors import WorldError

MeetHuman = Callable[[float], Awaitable[str | None]]
"""Waits, for at most so many seconds, until a human has greeted the caller; returns what went wrong."""


async def run_script(
    script: Script,
    number: str,
    *,
    voice: Voice,
    sip: str = "127.0.0.1:5060",
    from_number: str = "+919812345678",
    host: str = "127.0.0.1",
    recording: Path | None = None,
    speech_url: str | None = None,
    recogniser: Recogniser | None = None,
    credentials: tuple[str, str] | None = None,
    on_event: OnEvent | None = None,
) -> CallResult:
    """Make one call with a caller of its own. A refused or silent call is a result; a bad address raises.

    `recording` gets the stereo WAV, and a JSON file with the events beside it.
    """
    async with Caller(
        voice,
        host=host,
        codecs=script.codecs,
        speech_url=speech_url,
        recogniser=recogniser,
        keep_sound=recording is not None or recogniser is not None,
    ) as caller:
        await caller.prepare(script.sentences())
        return await follow(
            caller,
            script,
            number,
            sip=sip,
            from_number=from_number,
            recording=recording,
            credentials=credentials,
            on_event=on_event,
        )


async def follow(
    caller: Caller,
    script: Script,
    number: str,
    *,
    sip: str,
    from_number: str,
    recording: Path | None = None,
    credentials: tuple[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    on_event: OnEvent | None = None,
    meet: MeetHuman | None = None,
) -> CallResult:
    """Make one call of a caller that is open already. Raises what `start_call` raises, and OSError (recording).

    `meet` is for a step of that name: there is a human whom the agent can dial.
    """
    call = await caller.start_call(
        number, sip=sip, from_number=from_number, credentials=credentials, headers=headers, on_event=on_event
    )
    try:
        if await call.wait_answered(ring_timeout_s=script.ring_timeout_s):
            await _take_steps(call, script, on_event, meet)
    finally:
        await call.aclose()
    if recording:
        await call.recording(recording)
    result = result_of(call)
    if recording and result.answered:
        write_notes(recording, call.events, result.to_json())
    return result


async def _take_steps(call: PhoneCall, script: Script, on_event: OnEvent | None, meet: MeetHuman | None) -> None:
    """Take the steps until one fails."""
    for index, step in enumerate(script.steps):
        try:
            problem = await _take(call, step, meet)
        except WorldError as error:
            problem = str(error)
        if problem:
            failure = f"step {index + 1} ({_name(step)}): {problem}"
            call.failures.append(failure)
            if on_event:
                on_event(CallEvent(kind="failed", t_s=call.elapsed_s, text=failure))
            return


async def _take(call: PhoneCall, step: Step, meet: MeetHuman | None) -> str | None:
    """Take one step; return what went wrong."""
    if step.expect_hang_up:
        limit_s = step.expect_hang_up.timeout_s
        hung_up = await call.wait_hang_up(timeout_s=limit_s)
        return None if hung_up else f"the agent did not hang up in {limit_s:g} s"
    if step.hear:
        turn = await call.hear_turn(timeout_s=step.hear.timeout_s, silence_s=step.hear.silence_s)
        return None if turn else _silent(call, step.hear.timeout_s)
    if not call.is_up:
        return None if step.hang_up else "the agent had hung up"
    if step.meet:
        return await meet(step.meet.timeout_s) if meet else "there is no second telephone: give --human HOST:PORT"
    if step.say:
        await call.say(*step.say)
    elif step.barge_in:
        barge_in = step.barge_in
        said = await call.barge_in(*barge_in.say, after_s=barge_in.after_s, timeout_s=barge_in.timeout_s)
        return None if said else _silent(call, barge_in.timeout_s)
    elif step.digits:
        await call.send_digits(step.digits)
    elif step.wait:
        await call.wait(step.wait)
    elif step.hang_up:
        await call.hang_up()
    return None


def _silent(call: PhoneCall, limit_s: float) -> str:
    return f"the agent said nothing in {limit_s:g} s" if call.is_up else "the agent hung up before it spoke"


def _name(step: Step) -> str:
    return next(iter(step.model_fields_set))
