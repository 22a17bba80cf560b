"""Delays and faults of the stand-ins, by service; they can be changed while they run."""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Service = Literal["stt", "llm", "tts"]
Fault = Literal["hang", "slow", "429", "500", "cut", "garbage", "refused"]
SLOW_S = 6.0


class ServiceSettings(BaseModel):
    """How one service behaves. `times` limits a fault to that many requests; None keeps it until it is cleared."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    delay_ms: int = Field(0, ge=0, le=60_000)
    fault: Fault | None = None
    times: int | None = Field(None, ge=1)

    def take(self) -> Fault | None:
        """Return the fault of the next request, and count it."""
        fault = self.fault
        if fault and self.times is not None:
            self.times = self.times - 1 or None
            if self.times is None:
                self.fault = None
        return fault

    async def delay(self) -> None:
        """Wait as long as the service is set to."""
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)


class Settings(BaseModel):
    """All three services."""

    model_config = ConfigDict(extra="forbid")

    stt: ServiceSettings = Field(default_factory=ServiceSettings)
    llm: ServiceSettings = Field(default_factory=ServiceSettings)
    tts: ServiceSettings = Field(default_factory=ServiceSettings)
