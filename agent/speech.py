"""The three services of an agent: speech to text, the model, text to speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from livekit.agents import llm, stt, tts
from livekit.plugins import deepgram, openai

from agent.settings import AgentSettings
from telephony.manifest.agent import AgentProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ready to use; nothing is connected yet."""

    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]


def make_services(profile: AgentProfile, settings: AgentSettings, *, tag: str) -> Services:
    """Return the services of a call. `tag` names the call at Deepgram, so that its usage can be told apart."""
    return Services(
        stt=make_stt(profile, settings, tag=tag), llm=_llm(profile, settings), tts=make_tts(profile, settings)
    )


def make_stt(profile: AgentProfile, settings: AgentSettings, *, tag: str) -> stt.STT[Any]:
    """Return Deepgram's streaming recognition in the sample rate of the call."""
    return deepgram.STT(
        model=profile.stt.model,
        language=profile.language,
        sample_rate=settings.turn.sample_rate,
        tags=[tag],
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{(profile.stt.base_url or settings.deepgram_base_url).rstrip('/')}/listen",
    )


def make_tts(profile: AgentProfile, settings: AgentSettings) -> tts.TTS[Any]:
    """Return Deepgram's speech in the sample rate of the call."""
    return deepgram.TTS(
        model=profile.tts.model,
        sample_rate=settings.turn.sample_rate,
        api_key=settings.deepgram_api_key.get_secret_value(),
        base_url=f"{(profile.tts.base_url or settings.deepgram_base_url).rstrip('/')}/speak",
    )


def _llm(profile: AgentProfile, settings: AgentSettings) -> llm.LLM[Any]:
    options: dict[str, Any] = {} if profile.llm.temperature is None else {"temperature": profile.llm.temperature}
    return openai.LLM(
        model=profile.llm.model,
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=(profile.llm.base_url or settings.openai_base_url).rstrip("/"),
        **options,
    )
