"""agent/prepared.py: speech made before it is needed, through the real plugin and the speech stand-ins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit.agents import APIError
from livekit.agents.utils import http_context

import agent.prepared
from agent.prepared import PreparedSpeech
from agent.speech import make_services
from tests.agent.profiles import profile, settings
from tests.agent.services import Services, services_running

GREETING = "Hello, this is the desk."


@pytest.fixture
async def speech() -> AsyncIterator[Services]:
    """Yield running stand-ins, and an HTTP context as a job has one."""
    async with services_running() as running, http_context.open():
        yield running


def prepared(speech: Services, folder: Path, *, voice: str = "one") -> PreparedSpeech:
    """Return what a call has."""
    given = settings(DEEPGRAM_BASE_URL=speech.base_url, OPENAI_BASE_URL=speech.base_url)
    return PreparedSpeech(make_services(profile(), given).tts, voice=voice, folder=folder)


async def test_a_sentence_is_made_once_for_all_calls(speech: Services, tmp_path: Path) -> None:
    """Also for those of other processes: it is kept in a folder."""
    first = await prepared(speech, tmp_path).audio(GREETING)
    assert len(first) > 16_000
    assert await prepared(speech, tmp_path).audio(GREETING) == first
    assert speech.voice.texts == [GREETING]


async def test_calls_that_miss_it_at_once_share_the_work(speech: Services, tmp_path: Path) -> None:
    """Ten calls on a new machine ask the service once."""
    speech.state.settings.tts.delay_ms = 300
    made = await asyncio.gather(*(prepared(speech, tmp_path).audio(GREETING) for _ in range(10)))
    assert len(set(made)) == 1
    assert speech.voice.texts == [GREETING]


async def test_another_voice_or_text_is_another_sound(speech: Services, tmp_path: Path) -> None:
    """Nothing is mixed up."""
    await prepared(speech, tmp_path).audio(GREETING)
    await prepared(speech, tmp_path, voice="two").audio(GREETING)
    await prepared(speech, tmp_path).audio("Goodbye.")
    assert speech.voice.texts == [GREETING, GREETING, "Goodbye."]


async def test_a_folder_that_cannot_be_written_costs_only_time(speech: Services, tmp_path: Path) -> None:
    """The folder is a cache."""
    (tmp_path / "prepared").write_text("a file stands here")
    assert len(await prepared(speech, tmp_path).audio(GREETING)) > 16_000


async def test_a_voice_that_fails_is_an_error_and_leaves_nothing(speech: Services, tmp_path: Path) -> None:
    """The next call tries again."""
    speech.state.settings.tts.fault = "500"
    with pytest.raises(APIError):
        await prepared(speech, tmp_path).audio(GREETING)
    speech.state.settings.tts.fault = None
    assert await prepared(speech, tmp_path).audio(GREETING)


async def test_the_oldest_sentences_are_forgotten(
    speech: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder does not grow for ever."""
    monkeypatch.setattr(agent.prepared, "KEPT_SENTENCES", 2)
    for text in ("One.", "Two.", "Three."):
        await prepared(speech, tmp_path).audio(text)
    assert len(list((tmp_path / "prepared").glob("*.pcm"))) == 2


async def test_frames_hold_all_of_the_audio_in_equal_parts(speech: Services, tmp_path: Path) -> None:
    """20 ms each; the last one is filled with silence."""
    ready = prepared(speech, tmp_path)
    frames = [frame async for frame in ready.frames(b"\1\0" * 700)]
    assert [(frame.samples_per_channel, frame.sample_rate) for frame in frames] == [(320, 16_000)] * 3
    assert b"".join(bytes(frame.data) for frame in frames) == b"\1\0" * 700 + bytes(520)
