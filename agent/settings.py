"""The environment of the worker, read in one place: keys, addresses, and how turns are taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.errors import SettingMissingError
from telephony.errors import UserError
from telephony.keys import header_value

DEEPGRAM_API = "https://api.deepgram.com/v1"
OPENAI_API = "https://api.openai.com/v1"


def _address(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must be an address like {schemes[-1]}://…")
        if "@" in urlsplit(value).netloc:
            raise ValueError("must not hold a user or a password: the keys have variables of their own")
        return value.rstrip("/")

    return AfterValidator(check)


_Key = Annotated[str, BeforeValidator(header_value)]
_Secret = Annotated[SecretStr, BeforeValidator(header_value)]


class TurnSettings(BaseSettings):
    """How turns are taken. All are ours: none is left to defaults of the framework that change with its mode.

    A turn ends `min_endpointing_delay_s` after the caller's last sound, but not before the voice activity detection
    has seen `vad_min_silence_s` of silence. `max_endpointing_delay_s` bounds the wait for a transcript.
    `min_interruption_s` of speech stops the agent (by sound, not by words); when no words follow it within
    `false_interruption_timeout_s`, the agent goes on. The environment names them DIALROOM_TURN_….
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        alias_generator=lambda name: f"DIALROOM_TURN_{name.upper()}",
    )

    min_endpointing_delay_s: float = Field(0.3, ge=0, le=3)
    max_endpointing_delay_s: float = Field(1.5, ge=0, le=10)
    vad_min_silence_s: float = Field(0.25, ge=0.05, le=2)
    vad_min_speech_s: float = Field(0.05, ge=0.02, le=1)
    min_interruption_s: float = Field(0.25, ge=0, le=3)
    false_interruption_timeout_s: float = Field(1.0, ge=0, le=10)
    frame_ms: Literal[10, 20, 40, 50] = 20
    sample_rate: Literal[8000, 16000, 24000] = 16000

    @model_validator(mode="after")
    def _delays_in_order(self) -> TurnSettings:
        if self.max_endpointing_delay_s < self.min_endpointing_delay_s:
            raise ValueError("DIALROOM_TURN_MAX_ENDPOINTING_DELAY_S must not be below the smallest delay")
        return self


class LogSettings(BaseSettings):
    """How to log."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    log_format: Literal["text", "json"] = Field("text", validation_alias="DIALROOM_LOG_FORMAT")
    log_personal_data: bool = Field(False, validation_alias="DIALROOM_LOG_PERSONAL_DATA")

    @classmethod
    def load(cls) -> Self:
        """Read the process's environment, and ``.env`` in the working folder for what is not set there.

        Raises:
            SettingMissingError: an address or a key is not set.
            UserError: a value has the wrong form; values of keys are never told.
        """
        return _checked(cls)


class LiveKitSettings(LogSettings):
    """Where LiveKit is: what the supervisor needs, too."""

    livekit_url: Annotated[str, _address("http", "https", "ws", "wss")] = Field(validation_alias="LIVEKIT_URL")
    livekit_api_key: _Key = Field(validation_alias="LIVEKIT_API_KEY")
    livekit_api_secret: _Secret = Field(validation_alias="LIVEKIT_API_SECRET")


class TalkSettings(LogSettings, TurnSettings):
    """What a talk needs, whatever carries it: services and their keys.

    The `base_url`s are those of the services; a manifest may name others for an agent.
    `cache` is a folder for prepared speech. `time_zone` is where the agent tells the time, and what hours of people who
    may be called are in. `messages` is the file that callers' messages are added to.
    """

    deepgram_api_key: _Secret = Field(validation_alias="DEEPGRAM_API_KEY")
    deepgram_base_url: Annotated[str, _address("http", "https")] = Field(
        DEEPGRAM_API, validation_alias="DEEPGRAM_BASE_URL"
    )
    openai_api_key: _Secret = Field(validation_alias="OPENAI_API_KEY")
    openai_base_url: Annotated[str, _address("http", "https")] = Field(OPENAI_API, validation_alias="OPENAI_BASE_URL")
    cache: Path = Field(Path("~/.cache/dialroom"), validation_alias="DIALROOM_CACHE")
    messages: Path = Field(Path(".dialroom/messages.jsonl"), validation_alias="DIALROOM_MESSAGES")
    time_zone: ZoneInfo = Field(ZoneInfo("Asia/Kolkata"), validation_alias="DIALROOM_TIME_ZONE")


class AgentSettings(LiveKitSettings, TalkSettings):
    """Keys and addresses of a worker."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> AgentSettings:
        """Read a given environment and nothing else. Raises what `load` raises."""
        return _checked(_OnlyGiven, {name: value for name, value in environ.items() if value})


class _OnlyGiven(AgentSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out the process's environment and ``.env``."""
        return (init_settings,)


_Settings = TypeVar("_Settings", bound=LogSettings)


def _checked(cls: type[_Settings], given: Mapping[str, Any] | None = None) -> _Settings:
    try:
        return cls(**(given or {}))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    missing = sorted(str(detail["loc"][0]) for detail in details if detail["type"] == "missing")
    if missing:
        raise SettingMissingError(missing)
    where = f"{details[0]['loc'][0]}: " if details[0]["loc"] else ""
    raise UserError(where + details[0]["msg"].removeprefix("Value error, "))
