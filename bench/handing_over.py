"""The calls of `bench.transfer`: each returns its samples, in ms, by the name of the figure. None is a miss."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from bench.calls import CALLER
from lab.caller.caller import RING_TIMEOUT_S, Caller
from lab.caller.phone_call import PhoneCall
from lab.caller.speech import Segment, Sentence
from lab.caller.tape import VOICE_HZ, Tape
from lab.media.statistics import Lateness

CALLER_HZ, COLLEAGUE_HZ = 1100, 1700
ASKS = "I want to talk to a person."
LEAST = 800.0
"""Amplitude from which on a tone is in a packet; 8000 are spoken with, the edges of others spread up to 200."""
AMPLITUDE = 8000
LIMIT_S = 20.0
LISTENS_S = 2.0
BURST_S, PAUSE_S, BURSTS = 0.3, 0.7, 4
SamplesMs = dict[str, list[float | None]]


@dataclass(frozen=True, kw_only=True)
class Telephones:
    """Who calls whom, and where."""

    caller: Caller
    colleague: Caller
    number: str
    sip: str


@dataclass(slots=True, eq=False)
class Measured:
    """Samples of many calls; `lateness` is of the telephones' own packets."""

    samples: defaultdict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    lateness: Lateness = field(default_factory=Lateness)

    def add(self, call: tuple[SamplesMs, Lateness]) -> None:
        """Take what one call has measured."""
        for name, samples in call[0].items():
            self.samples[name] += samples
        self.lateness.merge(call[1])


@dataclass(frozen=True, kw_only=True)
class _Briefed:
    caller: PhoneCall
    colleague: PhoneCall
    at_caller: Tape
    at_colleague: Tape


async def merged(phones: Telephones) -> tuple[SamplesMs, Lateness]:
    """The colleague presses 1 while both speak; then each speaks in turn; the caller hangs up.

    From the last packet of the key to the first one with the other's tone.
    """
    found: SamplesMs = {}
    async with _briefed(phones) as call:
        speaking = [
            asyncio.ensure_future(_speak(call.caller, CALLER_HZ, LIMIT_S)),
            asyncio.ensure_future(_speak(call.colleague, COLLEAGUE_HZ, LIMIT_S)),
        ]
        await asyncio.sleep(PAUSE_S)
        pressed_s = await _press(call.colleague, "1")
        for name, tape, hertz in (
            ("merge: colleague at the caller", call.at_caller, COLLEAGUE_HZ),
            ("merge: caller at the colleague", call.at_colleague, CALLER_HZ),
        ):
            found[name] = [_ms(await _first(tape, [hertz], since_s=pressed_s), pressed_s)]
        for phone in (call.caller, call.colleague):
            assert phone.talk is not None
            phone.talk.hush()
        await asyncio.gather(*speaking)
        await asyncio.sleep(PAUSE_S)
        found["caller's mouth to colleague's ear"] = await _bursts(call.caller, CALLER_HZ, call.at_colleague)
        found["colleague's mouth to caller's ear"] = await _bursts(call.colleague, COLLEAGUE_HZ, call.at_caller)
        found["caller hung up, merged: leg ends"] = [await _hangs_up(call)]
    return found, _lateness(call)


async def declined(phones: Telephones) -> tuple[SamplesMs, Lateness]:
    """The colleague presses 2; the caller asks again, and the colleague hangs up. From the BYE to the agent's voice."""
    async with _briefed(phones) as call:
        await _press(call.colleague, "2")
        first = await _agent_after(call, await _gone_s(call.colleague))
        lateness = _lateness(call)
        await call.caller.hear_turn(timeout_s=LIMIT_S)
        async with _asked(phones, call.caller, call.at_caller) as again:
            began_s = time.monotonic()
            await again.colleague.hang_up()
            second = await _agent_after(again, began_s)
    lateness.merge(_lateness(again))
    return {"declined: agent at the caller": [first], "colleague hung up: agent at the caller": [second]}, lateness


async def hung_up_on(phones: Telephones) -> tuple[SamplesMs, Lateness]:
    """The caller hangs up while the colleague is briefed. From BYE to BYE."""
    async with _briefed(phones) as call:
        found = await _hangs_up(call)
    return {"caller hung up, briefing: leg ends": [found]}, _lateness(call)


@asynccontextmanager
async def _briefed(phones: Telephones) -> AsyncIterator[_Briefed]:
    call = await phones.caller.dial(phones.number, sip=phones.sip, from_number=CALLER)
    try:
        assert call.talk is not None, call.reason
        tape = Tape(call.talk.rtp)
        await call.hear_turn(timeout_s=LIMIT_S, silence_s=0.5)
        async with _asked(phones, call, tape) as briefed:
            yield briefed
    finally:
        await call.aclose()


@asynccontextmanager
async def _asked(phones: Telephones, call: PhoneCall, tape: Tape) -> AsyncIterator[_Briefed]:
    await call.say(ASKS)
    async with asyncio.timeout(RING_TIMEOUT_S):
        colleague = await phones.colleague.called()
    try:
        assert await phones.colleague.answer(colleague), colleague.reason
        assert colleague.talk is not None
        theirs, answered_s = Tape(colleague.talk.rtp), time.monotonic()
        assert await _first(theirs, VOICE_HZ, since_s=answered_s) is not None, "the colleague was not briefed"
        await asyncio.sleep(LISTENS_S)
        yield _Briefed(caller=call, colleague=colleague, at_caller=tape, at_colleague=theirs)
    finally:
        await colleague.aclose()


async def _bursts(speaker: PhoneCall, hertz: int, ear: Tape) -> list[float | None]:
    """Speak a few times; from the first packet that leaves with the tone to the first one that comes with it."""
    found: list[float | None] = []
    for _ in range(BURSTS):
        began_s = await _speak(speaker, hertz, BURST_S)
        await asyncio.sleep(PAUSE_S)
        found.append(None if began_s is None else _ms(ear.first([hertz], least=LEAST, since_s=began_s), began_s))
    return found


async def _speak(phone: PhoneCall, hertz: int, seconds: float) -> float | None:
    """Speak a tone, which nobody is told the words of; return when it began."""
    assert phone.talk is not None
    rate = phone.talk.codec.sample_rate
    wave = np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate) * AMPLITUDE
    words = Segment(text="tone", start_s=0, end_s=seconds)
    spoken = await phone.talk.say(
        Sentence(text="tone", samples=wave.astype(np.int16), sample_rate=rate, segments=(words,))
    )
    return spoken.first_s


async def _press(phone: PhoneCall, key: str) -> float:
    await phone.send_digits(key)
    return time.monotonic()


async def _first(tape: Tape, hertz: Sequence[int], *, since_s: float) -> float | None:
    unheard_s = since_s

    def probe() -> float | None:
        """Look at what has come since the last look: looking at all of it again would delay packets of ours."""
        nonlocal unheard_s
        found = tape.first(hertz, least=LEAST, since_s=unheard_s)
        unheard_s = max(unheard_s, tape.at_s[-1]) if tape.at_s else unheard_s
        return found

    return await _until(probe)


async def _agent_after(call: _Briefed, since_s: float | None) -> float | None:
    return None if since_s is None else _ms(await _first(call.at_caller, VOICE_HZ, since_s=since_s), since_s)


async def _hangs_up(call: _Briefed) -> float | None:
    began_s = time.monotonic()
    await call.caller.hang_up()
    return _ms(await _gone_s(call.colleague), began_s)


async def _gone_s(phone: PhoneCall) -> float | None:
    return await _until(lambda: phone.ended_at_s)


async def _until(probe: Callable[[], float | None]) -> float | None:
    limit_s = time.monotonic() + LIMIT_S
    while (found := probe()) is None and time.monotonic() < limit_s:
        await asyncio.sleep(0.02)
    return found


def _lateness(call: _Briefed) -> Lateness:
    both = Lateness()
    for phone in (call.caller, call.colleague):
        assert phone.talk is not None
        both.merge(phone.talk.rtp.lateness)
    return both


def _ms(at_s: float | None, since_s: float) -> float | None:
    return None if at_s is None else (at_s - since_s) * 1000
