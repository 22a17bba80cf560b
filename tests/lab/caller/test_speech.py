"""Sentences: parts, pauses, frames; and what the speech stand-ins are told of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from lab.caller.announce import Announcer
from lab.caller.caller import Caller
from lab.caller.speech import speak, text_of
from lab.media.codec import Samples
from lab.speech.voice import ToneVoice
from telephony.call_tag import call_tag
from telephony.errors import WorldError
from tests.lab.caller.tone_agent import tone_agent


class Counting(ToneVoice):
    """Counts what it had to make."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, int]] = []

    def speak(self, text: str, *, sample_rate: int) -> Samples:
        self.made.append((text, sample_rate))
        return super().speak(text, sample_rate=sample_rate)


def test_parts_and_pauses_become_one_sentence_with_segments() -> None:
    """Segments say where the words are; the pause is silence."""
    sentence = speak(["one", 0.5, "two three"], voice=ToneVoice(), sample_rate=8000)
    first, second = sentence.segments
    assert sentence.text == text_of(["one", 0.5, "two three"]) == "one two three"
    assert (first.text, first.start_s, second.text) == ("one", 0.0, "two three")
    assert second.start_s == pytest.approx(first.end_s + 0.5)
    assert sentence.duration_s == pytest.approx(second.end_s)
    pause = sentence.samples[round(first.end_s * 8000) : round(second.start_s * 8000)]
    assert not pause.any()


def test_frames_are_20_ms_and_the_last_is_filled_up() -> None:
    """Nothing of the sound is lost."""
    sentence = speak(["hello"], voice=ToneVoice(), sample_rate=16000)
    frames = [frame for frame, _audible in sentence.frames()]
    assert {len(frame) for frame in frames} == {320}
    joined = np.concatenate(frames)
    assert np.array_equal(joined[: len(sentence.samples)], sentence.samples)
    assert not joined[len(sentence.samples) :].any()
    assert [audible for _frame, audible in sentence.frames()][1]


def test_no_words_are_no_sentence() -> None:
    """An empty list is silence of no length."""
    assert list(speak([], voice=ToneVoice(), sample_rate=8000).frames()) == []


async def test_speech_that_was_prepared_is_not_made_again() -> None:
    """One rate per codec rate; the same words once."""
    voice = Counting()
    async with tone_agent(greets=False) as agent, Caller(voice, codecs=("PCMU", "G722")) as phone:
        await phone.prepare([("hi",), ("hi",)])
        assert sorted(voice.made) == [("hi", 8000), ("hi", 16000)]
        call = await phone.dial("1", sip=agent.address)
        await call.say("hi")
        assert len(voice.made) == 2


@pytest.fixture
async def stand_in() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Something that takes announcements."""
    told: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/lab/announce", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", told
    await runner.cleanup()


async def test_a_sentence_is_announced_before_it_is_spoken(stand_in: tuple[str, list[dict[str, Any]]]) -> None:
    """With the call's tag, the words, and where they are."""
    url, told = stand_in
    async with tone_agent(greets=False) as agent, Caller(ToneVoice(), speech_url=url) as phone:
        call = await phone.dial("1", sip=agent.address)
        await call.say("one", 0.2, "two")
        assert told[0]["tag"] == call_tag(call.sip.call_id)
        assert told[0]["text"] == "one two"
        assert [segment["text"] for segment in told[0]["segments"]] == ["one", "two"]
        assert told[0]["duration_s"] == pytest.approx(told[0]["segments"][1]["end_s"])


async def test_stand_ins_that_are_not_there_are_a_clear_error() -> None:
    """The address is named."""
    announcer = Announcer("http://127.0.0.1:9")
    with pytest.raises(WorldError, match=r"http://127\.0\.0\.1:9"):
        await announcer.announce("c", speak(["x"], voice=ToneVoice(), sample_rate=8000))
    await announcer.aclose()
    await announcer.aclose()
