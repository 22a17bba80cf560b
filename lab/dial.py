"""`dialroom call`: one or many calls with the synthetic caller, against the stack that runs or any SIP address."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path

from lab.caller.addresses import resolve
from lab.caller.caller import Caller
from lab.caller.crowd import run_crowd
from lab.caller.result import CallResult
from lab.caller.run import run_script
from lab.caller.script import Script, load_script
from lab.human import HumanPlan, call_with_human
from lab.running import find_running
from lab.speech.ears import Ears, EarsMissingError
from lab.speech.voice import RealVoice, ToneVoice, Voice, VoiceMissingError
from lab.terminal.call import Screen
from telephony.errors import UserError, WorldError
from telephony.numbers import parse_number

SCRIPTS = Path(__file__).with_name("scripts")
CALLER_SPEED, CALLER_PITCH, COLLEAGUE_PITCH = 1.1, 1.06, 0.92  # the caller must not sound like the agent


def caller_voice() -> Voice:
    """Return the synthetic caller's voice; tone bursts where the real one is not installed."""
    try:
        return RealVoice(speed=CALLER_SPEED, pitch=CALLER_PITCH)
    except VoiceMissingError:
        return ToneVoice()


def colleague_voice() -> Voice:
    """Return the voice of the human whom a caller is handed to."""
    try:
        return RealVoice(speed=1.0, pitch=COLLEAGUE_PITCH)
    except VoiceMissingError:
        return ToneVoice()


def caller_ears() -> Ears | None:
    """Return what writes down the agent's words, None where it is not installed."""
    try:
        return Ears()
    except EarsMissingError:
        return None


async def dial(
    number: str,
    *,
    script: Path | None,
    sip: str | None,
    via: str | None = None,
    from_number: str,
    recording: Path | None,
    callers: int,
    screen: Screen,
    human: str | None = None,
    plan: HumanPlan | None = None,
) -> list[CallResult]:
    """Call and return the results. Raises UserError for a wrong number or script, or when nothing runs to be called.

    With `human` (HOST:PORT) somebody takes a call there, as `plan` says: whoever the agent hands the caller to.
    """
    called, caller = parse_number(number), parse_number(from_number)
    if recording is not None:
        _check_writable(recording)
    if human is not None and callers > 1:
        raise UserError("--human is one telephone: it goes with one caller, not with --callers")
    steps = load_script(script or SCRIPTS / ("transfer.yaml" if human else "greeting.yaml"))
    running = find_running()
    address = sip or (running or {}).get("calls_to")
    if address is None:
        raise UserError("nothing to call: start `dialroom up` in this folder, or give --sip HOST:PORT")
    if via is not None and running is not None and running["via"] != via:
        raise UserError(f"--via {via}: what runs has the other way; end it, and start `dialroom up --via {via}`")
    speech_url = running["speech_url"] if running and address == running["calls_to"] else None
    if human is not None:
        return [await _handed_over(steps, called, address, caller, recording, speech_url, screen, human, plan)]
    if callers == 1:
        return [await _one(steps, called, address, caller, recording, speech_url, screen)]
    return await run_crowd(
        steps,
        called,
        callers=callers,
        voice=caller_voice(),
        sip=address,
        from_number=caller,
        recording=recording,
        speech_url=speech_url,
        on_event=screen.numbered,
    )


def _check_writable(recording: Path) -> None:
    if recording.is_dir():
        raise UserError(f"--recording {recording} is a folder; give a file, such as {recording / 'call.wav'}")
    above = next(folder for folder in recording.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"--recording {recording} cannot be written: {above} takes no files")


async def _one(
    steps: Script,
    called: str,
    address: str,
    caller: str,
    recording: Path | None,
    speech_url: str | None,
    screen: Screen,
) -> CallResult:
    return await run_script(
        steps,
        called,
        voice=caller_voice(),
        sip=address,
        from_number=caller,
        recording=recording,
        speech_url=speech_url,
        recogniser=caller_ears(),
        on_event=screen.event,
    )


async def _handed_over(
    steps: Script,
    called: str,
    address: str,
    caller: str,
    recording: Path | None,
    speech_url: str | None,
    screen: Screen,
    human: str,
    plan: HumanPlan | None,
) -> CallResult:
    host, port = await resolve(human)
    ears = caller_ears()
    async with AsyncExitStack() as opened:
        phone = Caller(
            colleague_voice(), host=host, port=port, speech_url=speech_url, recogniser=ears, takes_calls=True
        )
        try:
            await opened.enter_async_context(phone)
        except OSError as error:
            raise WorldError(f"--human {human} cannot be opened ({error.strerror}): choose another port") from None
        own = Caller(caller_voice(), codecs=steps.codecs, speech_url=speech_url, recogniser=ears)
        await opened.enter_async_context(own)
        await own.prepare(steps.sentences())
        return await call_with_human(
            steps,
            called,
            caller=own,
            sip=address,
            from_number=caller,
            phone=phone,
            plan=plan or HumanPlan(),
            screen=screen,
            recording=recording,
        )
