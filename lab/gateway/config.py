"""The gateway's settings: the part of livekit-sip's configuration file that the lab uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from telephony.errors import UserError


class RedisConfig(BaseModel):
    """Where Redis is, as `host:port`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    address: str


class GatewayConfig(BaseModel):
    """Keys of livekit-sip that mean nothing here are ignored, as livekit-sip ignores unknown ones."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    redis: RedisConfig
    api_key: str
    api_secret: str = Field(repr=False)
    ws_url: str
    sip_port: int = Field(5060, ge=1, le=65535)
    listen_ip: str = "127.0.0.1"
    rtp_port: tuple[int, int] = (10000, 20000)
    sip_ringing_interval_s: float = Field(1.0, gt=0)
    media_timeout_initial_s: float = Field(30.0, gt=0)
    media_timeout_s: float = Field(15.0, gt=0)

    @field_validator("rtp_port", mode="before")
    @classmethod
    def _range(cls, value: Any) -> Any:
        """Read `10000-20000`."""
        return tuple(int(part) for part in value.split("-")) if isinstance(value, str) else value


def load_config(path: Path) -> GatewayConfig:
    """Read a configuration file. Raises UserError with one line."""
    try:
        return GatewayConfig.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, ValidationError, ValueError) as error:
        raise UserError(f"{path}: {str(error).splitlines()[0]}") from None
