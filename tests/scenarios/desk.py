"""A stack whose agent may hand callers to three colleagues, their telephones, and who hears what, told by the sound."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from livekit import api

from lab.caller.announce import Announcer
from lab.caller.caller import Caller
from lab.caller.phone_call import PhoneCall
from lab.caller.speech import speak
from lab.media.codec import Samples
from lab.sip.call import IncomingCall
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from telephony.call_tag import call_tag
from tests.lab.gateway.ears import tone, until
from tests.lab.gateway.telephone import PHONE_HZ, Line, Telephone, telephone
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
  - {{ number: "{number}", route: {{ agent: desk }}{settings} }}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""
HEAR_S = 60.0
MESSAGES = "messages.jsonl"
CALLER_HZ = 1100
"""The caller speaks in this tone, colleagues in `PHONE_HZ`, the agent between 220 and 440 Hz."""
PAUSE_S = 0.6


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The stack, and the telephones of the colleagues who may be dialled."""

    stack: Stack
    first: Telephone
    second: Telephone
    third: Telephone

    @asynccontextmanager
    async def caller(self, asks: str = "I want to talk to a person.", **written: Any) -> AsyncIterator[PhoneCall]:
        """Yield a caller who has heard the greeting and asked for somebody; `written` goes into the INVITE."""
        async with Caller(ToneVoice(hertz=CALLER_HZ), speech_url=self.stack.speech_url) as caller:
            call = await caller.dial(NUMBER, sip=self.stack.sip.address, **written)
            assert call.is_up, call.reason
            assert await call.hear_turn(timeout_s=HEAR_S)
            await call.say(asks)
            yield call


@asynccontextmanager
async def open_desk(
    run_dir: Path, *, gateway: str, targets: Mapping[str, str], settings: str = "", linked: bool = False
) -> AsyncIterator[Desk]:
    """Yield a desk; `targets` has the settings of each, as YAML, `settings` those of the number but its route.

    ``{first}``, ``{second}``, ``{third}`` stand for the colleagues, ``{people}`` for the first two. Messages of
    callers are kept in the run's folder, beside the manifest.
    """
    async with telephone("") as first, telephone("") as second, telephone("") as third:
        phones = {"first": ("asha", first), "second": ("ravi", second), "third": ("meera", third)}
        called = {place: f'"sip:{name}@{phone.address}"' for place, (name, phone) in phones.items()}
        called["people"] = f"{called['first']}, {called['second']}"
        said = {name: _filled(target, called) for name, target in targets.items()}
        path = run_dir / "desk.yaml"
        lines = "\n".join(f"  {name}: {{{target}}}" for name, target in said.items())
        path.write_text(manifest(said, lines, settings=settings))
        options = StackOptions(
            run_dir=run_dir,
            manifest=path,
            gateway=gateway,
            voice="tone",
            ears="oracle",
            warm=2,
            linked=linked,
            extra_env={"DIALROOM_MESSAGES": str(run_dir / MESSAGES), "DIALROOM_CACHE": str(run_dir / "cache")},
        )
        async with local_stack(options) as stack:
            yield Desk(stack=stack, first=first, second=second, third=third)


def manifest(names: Iterable[str], targets: str, *, settings: str = "") -> str:
    """Return the manifest of a desk that may hand callers to these targets, which are written as YAML."""
    written = f", {settings}" if settings else ""
    return MANIFEST.format(number=NUMBER, names=", ".join(names), targets=targets, settings=written)


def _filled(settings: str, called: Mapping[str, str]) -> str:
    for place, uri in called.items():
        settings = settings.replace(f"{{{place}}}", uri)
    return settings


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


async def says(desk: Desk, human: Line, words: str) -> None:
    """Let the agent finish; then the colleague, who hums until now, is silent, says this, and is silent."""
    codec = human.rtp.codec
    assert codec is not None
    sentence = speak((words,), voice=ToneVoice(hertz=PHONE_HZ), sample_rate=codec.sample_rate)
    silence = np.zeros(codec.frame_samples, np.int16)
    await until(lambda: human.ear.frequency is None, "end of the agent's words")  # a short hum would be a beep
    human.rtp.next_frame = lambda: silence
    await asyncio.sleep(PAUSE_S)
    announcer = Announcer(desk.stack.speech_url)
    await announcer.announce(human.call.call_id, sentence)
    await announcer.aclose()
    frames = sentence.frames()
    human.rtp.next_frame = lambda: next(frames, (silence, False))[0]
    await asyncio.sleep(sentence.duration_s)


def hums(human: Line) -> None:
    """Let the colleague hum again."""
    assert human.rtp.codec is not None
    human.rtp.next_frame = tone(PHONE_HZ, rate=human.rtp.codec.sample_rate)


def has_heard_caller(human: Line) -> bool:
    """Say whether a colleague has heard the caller so far."""
    assert human.rtp.codec is not None
    return has_tone(human.ear.sound, CALLER_HZ, human.rtp.codec.sample_rate)


async def nobody_is_left(desk: Desk) -> None:
    """Wait until no telephone is in any room."""
    livekit = desk.stack.livekit
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:

        async def empty() -> bool:
            rooms = (await client.room.list_rooms(api.ListRoomsRequest())).rooms
            for room in rooms:
                there = await client.room.list_participants(api.ListParticipantsRequest(room=room.name))
                if any(one.kind == api.ParticipantInfo.Kind.SIP for one in there.participants):
                    return False
            return True

        await eventually(empty, limit_s=HEAR_S)


def now_s() -> float:
    """Return the clock of the tracks."""
    return time.monotonic()


async def heard(call: PhoneCall, hertz: float, *, since_s: float = 0.0) -> bool:
    """Say whether a caller has heard a tone since then."""
    assert call.talk is not None
    track = call.talk.peer
    return has_tone(track.sound(max(since_s, call.sip.invited_s), now_s()), hertz, track.sample_rate)


async def has_heard_the_agent(call: PhoneCall, *, since_s: float) -> bool:
    """Say whether a caller has heard words of the agent since then: tones of its voice, and not the hold sound's."""
    return any([await heard(call, hertz, since_s=since_s) for hertz in range(220, 440, 10)])


async def said_after(call: PhoneCall) -> bool:
    """Wait for words of the agent, and for their end."""
    since_s = now_s()
    await eventually(lambda: has_heard_the_agent(call, since_s=since_s), limit_s=HEAR_S)
    assert call.talk is not None
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
    await answers_next(desk, *calls)
    await caller.say("Please help me.")


async def answers_next(desk: Desk, *calls: tuple[str, str]) -> None:
    """Let the model answer whatever is said next, by whomever, with these calls of tools."""
    url = f"{desk.stack.speech_url}/lab/raw-calls"
    given = {"calls": [list(call) for call in calls]}
    async with aiohttp.ClientSession() as session, session.put(url, json=given) as answer:
        assert answer.status == 204, await answer.text()


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
