"""The stand-ins as the real plugins use them: what goes well, every fault, and well again afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, llm, stt, utils
from livekit.plugins import deepgram, openai

from lab.speech.announced import Announcement, Segment
from lab.speech.faults import Fault, ServiceSettings
from tests.agent.services import Services, services_running

RATE = 16_000
ONCE = APIConnectOptions(max_retry=0, timeout=1.0)
QUESTION = "What are your opening hours?"
LIMIT_S = 30.0


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    async with services_running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def answered(services: Services) -> str:
    """Ask the model."""
    model = openai.LLM(model="receptionist", api_key="lab", base_url=services.base_url, max_retries=0, timeout=1.0)
    context = llm.ChatContext()
    context.add_message(role="user", content=QUESTION)
    try:
        async with model.chat(chat_ctx=context, conn_options=ONCE) as stream:
            return "".join([chunk.delta.content or "" async for chunk in stream if chunk.delta])
    finally:
        await model.aclose()


async def spoken(services: Services, http: aiohttp.ClientSession) -> int:
    """Have a sentence spoken; return how many samples came."""
    voice = deepgram.TTS(
        model="any", api_key="lab", base_url=f"{services.base_url}/speak", sample_rate=RATE, http_session=http
    )
    try:
        stream = voice.stream(conn_options=ONCE)
        stream.push_text("We are open from nine to six.")
        stream.end_input()
        return sum([audio.frame.samples_per_channel async for audio in stream])
    finally:
        await voice.aclose()


async def heard(services: Services, http: aiohttp.ClientSession, tag: str) -> list[str]:
    """Let an announced sentence be heard; return the final transcripts."""
    segment = Segment(text=QUESTION, start_s=0.0, end_s=1.0)
    services.state.announcements.add(Announcement(tag=tag, text=QUESTION, segments=(segment,), duration_s=1.0))
    ears = deepgram.STT(
        model="any",
        api_key="lab",
        base_url=f"{services.base_url}/listen",
        sample_rate=RATE,
        tags=[tag],
        http_session=http,
    )
    stream = ears.stream(conn_options=ONCE)
    for frame in _sound():
        stream.push_frame(frame)
    stream.end_input()
    final = stt.SpeechEventType.FINAL_TRANSCRIPT
    try:
        return [event.alternatives[0].text async for event in stream if event.type is final]
    finally:
        await stream.aclose()
        await ears.aclose()


def _sound() -> list[rtc.AudioFrame]:
    """One second of noise between silences."""
    silence = np.zeros(RATE // 2, np.int16)
    noise = (np.random.default_rng(1).standard_normal(RATE) * 4000).astype(np.int16)
    stream = utils.audio.AudioByteStream(RATE, 1, RATE // 50)
    return stream.push(np.concatenate([silence, noise, silence, silence]).tobytes())


async def test_the_real_plugins_are_served(services: Services, http: aiohttp.ClientSession) -> None:
    """Heard, answered and spoken, and each is in the log."""
    assert await asyncio.wait_for(heard(services, http, "a"), LIMIT_S) == [QUESTION]
    assert "nine" in (await asyncio.wait_for(answered(services), LIMIT_S)).lower()
    assert await asyncio.wait_for(spoken(services, http), LIMIT_S) > RATE // 2
    assert services.noted("heard") == [QUESTION]
    assert services.noted("spoken") == ["We are open from nine to six."]


@pytest.mark.parametrize("fault", ["hang", "429", "500", "cut", "garbage", "refused"])
async def test_a_model_that_fails_is_seen_as_such_and_works_afterwards(services: Services, fault: Fault) -> None:
    """An error of the plugin, never a whole answer; the fault is for one request."""
    services.state.settings.llm = ServiceSettings(fault=fault, times=1)
    with pytest.raises(APIError):
        await asyncio.wait_for(answered(services), LIMIT_S)
    assert services.state.settings.llm.fault is None
    assert "nine" in (await asyncio.wait_for(answered(services), LIMIT_S)).lower()


@pytest.mark.parametrize("fault", ["429", "500", "cut", "refused"])
async def test_a_voice_that_fails_is_seen_as_such_and_works_afterwards(
    services: Services, http: aiohttp.ClientSession, fault: Fault
) -> None:
    """An error, or less sound than the sentence has."""
    whole = await asyncio.wait_for(spoken(services, http), LIMIT_S)
    services.state.settings.tts = ServiceSettings(fault=fault)
    try:
        part = await asyncio.wait_for(spoken(services, http), LIMIT_S)
    except APIError:
        part = 0
    assert part < whole
    services.state.settings.tts = ServiceSettings()
    assert await asyncio.wait_for(spoken(services, http), LIMIT_S) == whole


@pytest.mark.parametrize("fault", ["429", "500", "cut", "refused"])
async def test_ears_that_fail_are_seen_as_such_and_work_afterwards(
    services: Services, http: aiohttp.ClientSession, fault: Fault
) -> None:
    """An error of the plugin or the end of the stream, and no words."""
    services.state.settings.stt = ServiceSettings(fault=fault)
    try:
        words = await asyncio.wait_for(heard(services, http, "a"), LIMIT_S)
    except APIError:
        words = []
    assert words == []
    services.state.settings.stt = ServiceSettings()
    assert await asyncio.wait_for(heard(services, http, "b"), LIMIT_S) == [QUESTION]


@pytest.mark.parametrize("service", ["stt", "tts", "llm"])
async def test_what_hangs_says_nothing(services: Services, http: aiohttp.ClientSession, service: str) -> None:
    """The request is taken and stays open."""
    setattr(services.state.settings, service, ServiceSettings(fault="hang", times=1))
    asked = {
        "stt": lambda: heard(services, http, "a"),
        "tts": lambda: spoken(services, http),
        "llm": lambda: answered(services),
    }
    try:
        got = await asyncio.wait_for(asked[service](), 3)
    except (APIError, TimeoutError):
        got = []
    assert got in ([], 0)
    assert services.noted({"stt": "heard", "tts": "spoken", "llm": "answered"}[service]) == []


async def test_settings_are_read_and_written_over_http(services: Services, http: aiohttp.ClientSession) -> None:
    """What is not named stays; what cannot be is refused."""
    url = services.base_url.removesuffix("/v1") + "/lab/settings"
    async with http.put(url, json={"llm": {"delay_ms": 300}}) as answer:
        told = await answer.json()
    assert (told["llm"]["delay_ms"], told["stt"]["delay_ms"]) == (300, 0)
    for wrong in ({"llm": {"fault": "sulk"}}, {"ears": {}}, {"tts": {"delay_ms": -1}}):
        async with http.put(url, json=wrong) as answer:
            assert answer.status == 400
    assert services.state.settings.llm.delay_ms == 300
