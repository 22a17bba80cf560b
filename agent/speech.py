"""The three services of an agent: speech to text, the model, text to speech. The only file that names their makers."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx2
import openai as openai_sdk
from livekit.agents import llm, tts
from livekit.plugins import deepgram, openai

from agent.settings import TalkSettings
from telephony.manifest.agent import AgentProfile

MODEL_TIMEOUT_S: Final = 5.0
_MODEL_LIMITS: Final = httpx2.Limits(max_connections=10, keepalive_expiry=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ready to use; nothing is connected yet. `voice` names what the sound of the speech depends on."""

    stt: deepgram.STT
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    voice: str
    client: openai_sdk.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the connections: needed where the process outlives the call."""
        closing = [self.stt.aclose(), self.tts.aclose(), *([self.client.close()] if self.client else [])]
        await asyncio.gather(*closing, return_exceptions=True)

    def tag_call(self, tag: str) -> None:
        """Name the call at Deepgram, so that its usage can be told apart. To be done before the session starts."""
        self.stt.update_options(tags=[tag])


@cache
def certificates() -> ssl.SSLContext:
    """Return the trusted certificates, read once: that takes 30 ms, which no call shall wait for."""
    return httpx2.create_ssl_context()


def make_services(profile: AgentProfile, settings: TalkSettings) -> Services:
    """Return the services of a call, all audio in the sample rate of the call."""
    speak_base = (profile.tts.base_url or settings.deepgram_base_url).rstrip("/")
    client = _client(profile, settings)
    return Services(
        stt=_stt(profile, settings),
        llm=_llm(profile, client),
        client=client,
        tts=_tts(profile, settings, base_url=speak_base),
        voice=f"{profile.tts.provider}|{profile.tts.model}|{speak_base}",
    )


def _stt(profile: AgentProfile, settings: TalkSettings) -> deepgram.STT:
    return deepgram.STT(
        model=profile.stt.model,
        language=profile.language,
        sample_rate=settings.sample_rate,
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{(profile.stt.base_url or settings.deepgram_base_url).rstrip('/')}/listen",
    )


def _tts(profile: AgentProfile, settings: TalkSettings, *, base_url: str) -> tts.TTS[Any]:
    return deepgram.TTS(
        model=profile.tts.model,
        sample_rate=settings.sample_rate,
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{base_url}/speak",
    )


def _llm(profile: AgentProfile, client: openai_sdk.AsyncClient) -> llm.LLM[Any]:
    options: dict[str, Any] = {} if profile.llm.temperature is None else {"temperature": profile.llm.temperature}
    return openai.LLM(model=profile.llm.model, client=client, **options)


def _client(profile: AgentProfile, settings: TalkSettings) -> openai_sdk.AsyncClient:
    return openai_sdk.AsyncClient(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=(profile.llm.base_url or settings.openai_base_url).rstrip("/"),
        max_retries=0,  # the session has its own
        http_client=httpx2.AsyncClient(
            verify=certificates(), timeout=MODEL_TIMEOUT_S, limits=_MODEL_LIMITS, follow_redirects=True
        ),
    )
