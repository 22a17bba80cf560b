"""A stack whose agent may hand callers to two colleagues, their telephones, and who hears what, told by the sound."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.media.codec import Samples
from lab.sip.call import IncomingCall
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from telephony.call_tag import call_tag
from tests.lab.gateway.ears import until
from tests.lab.gateway.telephone import Line, Telephone, telephone
from tests.scenarios.conftest import eventually, speech_log

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
    transfers: [{names}]
targets:
{targets}
numbers:
  - {{ number: "{number}", route: {{ agent: desk }} }}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""
HEAR_S = 60.0
MESSAGES = "messages.jsonl"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The stack, and the telephones of two colleagues who may be dialled."""

    stack: Stack
    first: Telephone
    second: Telephone

    @asynccontextmanager
    async def caller(self, asks: str = "I want to talk to a person.") -> AsyncIterator[PhoneCall]:
        """Yield a caller who has heard the greeting and asked for somebody."""
        async with Caller(ToneVoice(), speech_url=self.stack.speech_url) as caller:
            call = await caller.dial(NUMBER, sip=self.stack.sip.address)
            assert call.is_up, call.reason
            assert await call.hear_turn(timeout_s=HEAR_S)
            await call.say(asks)
            yield call


@asynccontextmanager
async def open_desk(run_dir: Path, *, gateway: str, targets: Mapping[str, str]) -> AsyncIterator[Desk]:
    """Yield a desk; `targets` has the settings of each, as YAML, with ``{people}`` for both colleagues.

    Messages of callers are kept in the run's folder, beside the manifest.
    """
    async with telephone("") as first, telephone("") as second:
        uris = [f"sip:{name}@{phone.address}" for name, phone in (("asha", first), ("ravi", second))]
        said = {
            name: settings.replace("{people}", ", ".join(f'"{uri}"' for uri in uris)).replace("{first}", f'"{uris[0]}"')
            for name, settings in targets.items()
        }
        path = run_dir / "desk.yaml"
        lines = "\n".join(f"  {name}: {{{settings}}}" for name, settings in said.items())
        path.write_text(MANIFEST.format(number=NUMBER, names=", ".join(said), targets=lines))
        options = StackOptions(
            run_dir=run_dir,
            manifest=path,
            gateway=gateway,
            voice="tone",
            ears="oracle",
            warm=2,
            extra_env={"DIALROOM_MESSAGES": str(run_dir / MESSAGES), "DIALROOM_CACHE": str(run_dir / "cache")},
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


async def let_the_model(desk: Desk, caller: PhoneCall, *calls: tuple[str, str]) -> None:
    """Let the model answer the caller's next words with these calls of tools: name, arguments by the letter."""
    url = f"{desk.stack.speech_url}/lab/raw-calls"
    given = {"calls": [list(call) for call in calls]}
    async with aiohttp.ClientSession() as session, session.put(url, json=given) as answer:
        assert answer.status == 204, await answer.text()
    await caller.say("Please help me.")


async def ask_for(desk: Desk, caller: PhoneCall, target: str, reason: str = "Anita has a question.") -> None:
    """Let the caller be handed to a target."""
    await let_the_model(desk, caller, ("transfer", json.dumps({"target": target, "reason": reason})))


async def told(desk: Desk, words: str) -> None:
    """Wait until the agent has said some words, to whomever."""

    async def said() -> bool:
        return any(words in text for text in await speech_log(desk.stack, "spoken"))

    await eventually(said, limit_s=HEAR_S)


def records(desk: Desk, message: str) -> list[str]:
    """Return the lines of the workers' logs with a message."""
    lines = [line for worker in desk.stack.workers for line in worker.log_path.read_text().splitlines()]
    return [line for line in lines if f" {message} " in f"{line} "]
