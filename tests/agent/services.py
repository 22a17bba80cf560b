"""The speech stand-ins inside the test's process: their state can be read and changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lab.speech.faults import Settings
from lab.speech.receptionist import Receptionist
from lab.speech.server import serving
from lab.speech.state import State
from lab.speech.voice import Samples, ToneVoice


@dataclass(eq=False)
class NotingVoice(ToneVoice):
    """Tones that keep a list of what they were asked to say, streamed or not."""

    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def speak(self, text: str, *, sample_rate: int) -> Samples:
        self.texts.append(text)
        return super().speak(text, sample_rate=sample_rate)


@dataclass(eq=False, kw_only=True)
class Services:
    """`base_url` is what the plugins are given."""

    base_url: str
    state: State
    voice: NotingVoice

    def noted(self, what: str) -> list[str]:
        """Return the texts that were `heard`, `answered` or `spoken`, oldest first."""
        return [line["text"] for line in self.state.log if line["what"] == what]


@asynccontextmanager
async def services_running() -> AsyncIterator[Services]:
    """Yield stand-ins whose voice is tones and whose ears are the oracle."""
    voice = NotingVoice()
    state = State(voice=voice, ears=None, receptionist=Receptionist(), settings=Settings())
    async with serving(state, 0) as base_url:
        yield Services(base_url=base_url, state=state, voice=voice)
