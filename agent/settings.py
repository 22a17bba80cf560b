"""The environment of the worker, read in one place: keys, addresses, and how turns are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import SettingsError

DEEPGRAM_API = "https://api.deepgram.com/v1"
OPENAI_API = "https://api.openai.com/v1"


class TurnSettings(BaseSettings):
    """How turns are taken. All are ours: none is left to defaults of the framework that change with its mode.

    A turn ends `min_endpointing_delay_s` after the caller's last sound, but not before the voice activity detection
    has seen `vad_min_silence_s` of silence. `max_endpointing_delay_s` bounds the wait for a transcript.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_prefix="DIALROOM_TURN_")

    min_endpointing_delay_s: float = Field(0.25, ge=0, le=3)
    max_endpointing_delay_s: float = Field(1.5, ge=0, le=10)
    vad_min_silence_s: float = Field(0.2, ge=0.05, le=2)
    vad_min_speech_s: float = Field(0.05, ge=0.02, le=1)
    min_interruption_s: float = Field(0.25, ge=0, le=3)
    false_interruption_timeout_s: float = Field(1.0, ge=0, le=10)
    frame_ms: Literal[10, 20, 40, 50] = 20
    sample_rate: Literal[8000, 16000, 24000] = 16000


class AgentSettings(BaseSettings):
    """Keys and addresses. The `base_url`s are those of the services; a manifest may name others for an agent."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    livekit_url: str = Field(validation_alias="LIVEKIT_URL")
    livekit_api_key: str = Field(validation_alias="LIVEKIT_API_KEY")
    livekit_api_secret: SecretStr = Field(validation_alias="LIVEKIT_API_SECRET")
    deepgram_api_key: SecretStr = Field(validation_alias="DEEPGRAM_API_KEY")
    deepgram_base_url: str = Field(DEEPGRAM_API, validation_alias="DEEPGRAM_BASE_URL")
    openai_api_key: SecretStr = Field(validation_alias="OPENAI_API_KEY")
    openai_base_url: str = Field(OPENAI_API, validation_alias="OPENAI_BASE_URL")
    cache: Path = Field(Path("~/.cache/dialroom"), validation_alias="DIALROOM_CACHE")
    log_format: Literal["text", "json"] = Field("text", validation_alias="DIALROOM_LOG_FORMAT")
    log_personal_data: bool = Field(False, validation_alias="DIALROOM_LOG_PERSONAL_DATA")
    turn: TurnSettings = Field(default_factory=TurnSettings)

    @classmethod
    def load(cls) -> AgentSettings:
        """Read the environment and `.env`. Raises SettingsError with one line; values are never told."""
        try:
            return cls()
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        missing = sorted(str(detail["loc"][0]) for detail in details if detail["type"] == "missing")
        if missing:
            raise SettingsError(f"{', '.join(missing)} not set: put it into the environment or into .env")
        raise SettingsError(f"{'.'.join(map(str, details[0]['loc']))}: {details[0]['msg']}")
