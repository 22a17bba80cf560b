"""A real AgentSession behind an ear and a mouth, without a room: services that a test plays, and the carrier's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, Agent, AgentSession, APIConnectOptions, stt, tts
from livekit.agents.llm import ChatMessage
from livekit.agents.voice.io import PlaybackFinishedEvent

from agent.heard import HeardAudio
from agent.session import make_session, make_vad
from agent.settings import TurnSettings
from lab.media.g711 import ULAW_DECODE, ULAW_ENCODE
from stream.ear import Ear
from stream.mouth import Mouth
from tests.agent.scripted import ScriptedModel
from tests.stream.carrier import Carrier
from tests.stream.clocks import GearedClock, settle

FAST, SLOW = 4.0, 0.25
RATE = 8000
CHARACTER_MS = 60
_LOUDNESS = ULAW_DECODE[np.arange(0, 100, dtype=np.uint8)]
"""Of the first word, the second word, …: each is another one, and none is a zero."""


class WordVoice(tts.TTS):
    """Says each word as a level of its own, as long as the word: what was heard can be read off the samples.

    `made_per_s` is how many seconds of sound it makes in a second of the test's clock.
    """

    def __init__(self, *, made_per_s: float = 1e6) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.words: list[str] = []
        self.made_per_s = made_per_s

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Spoken(tts=self, input_text=text, conn_options=conn_options)

    def heard(self, samples: np.ndarray) -> str:
        """Return the words in which these samples are, the last one perhaps not to its end."""
        levels = samples[np.flatnonzero(np.diff(samples, prepend=0))]
        numbers = [int(np.flatnonzero(level == _LOUDNESS)[0]) for level in levels]
        return " ".join(self.words[number] for number in numbers)


class _Spoken(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice: WordVoice = self._tts
        output_emitter.initialize(
            request_id="spoken", sample_rate=RATE, num_channels=1, mime_type="audio/pcm", frame_size_ms=100
        )
        for word in self.input_text.split():
            level = _LOUDNESS[len(voice.words)]
            voice.words.append(word)
            seconds = (len(word) + 1) * CHARACTER_MS / 1000
            output_emitter.push(np.full(round(seconds * RATE), level, np.int16).tobytes())
            await asyncio.sleep(seconds / voice.made_per_s)
        output_emitter.flush()


class Ears(stt.STT):
    """Recognises what the test says, when it says so. `sound_s` is how much it was given."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self.sound_s = 0.0
        self._stream: _Hearing | None = None

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS, **_: Any) -> stt.RecognizeStream:
        self._stream = _Hearing(stt=self, conn_options=conn_options)
        return self._stream

    def recognise(self, text: str) -> None:
        """The caller has said this."""
        assert self._stream is not None
        said = stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[stt.SpeechData(language="en", text=text)]
        )
        self._stream._event_ch.send_nowait(said)

    async def _recognize_impl(self, buffer: Any, **_: Any) -> stt.SpeechEvent:
        raise NotImplementedError


class _Hearing(stt.RecognizeStream):
    async def _run(self) -> None:
        async for piece in self._input_ch:
            if not isinstance(piece, self._FlushSentinel):
                self._stt.sound_s += piece.duration


@dataclass
class Conversation:
    """`heard_ms` and `cleared_ms` are the carrier's own truth."""

    session: AgentSession[None]
    clock: GearedClock
    carrier: Carrier
    ear: Ear
    mouth: Mouth
    voice: WordVoice
    ears: Ears
    finished: list[PlaybackFinishedEvent] = field(default_factory=list)
    false_alarms: list[bool] = field(default_factory=list)

    @property
    def words_heard(self) -> list[str]:
        return self.voice.heard(self.carrier.heard).split()

    def said(self, role: str) -> list[ChatMessage]:
        return [item for item in self.session.history.items if item.type == "message" and item.role == role]

    async def listened(self, ms: int) -> None:
        """Wait until the caller has heard so much."""
        while self.carrier.heard_ms < ms:
            await asyncio.sleep(0.005)

    async def talk(self, samples: np.ndarray) -> None:
        """Send the caller's sound in real time."""
        began_s = asyncio.get_running_loop().time()
        for number, start in enumerate(range(0, len(samples), 160)):
            self.ear.hear(ULAW_ENCODE[samples[start : start + 160].view(np.uint16)].tobytes())
            await asyncio.sleep(max(began_s + (number + 1) * 0.02 - asyncio.get_running_loop().time(), 0))


@asynccontextmanager
async def talking(*replies: str, speed: float = FAST, made_per_s: float = 1e6) -> AsyncIterator[Conversation]:
    """Yield a conversation that has begun. All turn settings are the ones of real calls."""
    clock, turn = GearedClock(speed), TurnSettings(_env_file=None)
    carrier, ear, ears, voice = Carrier(clock), Ear(), Ears(), WordVoice(made_per_s=made_per_s)
    mouth = Mouth(carrier, clock=clock)
    carrier.tell = mouth.played
    services: Any = type("Services", (), {"stt": ears, "llm": ScriptedModel(*replies), "tts": voice})
    session = make_session(services, make_vad(turn), turn)
    output = HeardAudio(mouth)
    session.input.audio = ear
    session.output.audio, session.output.transcription = output, output.words
    talk = Conversation(session, clock, carrier, ear, mouth, voice, ears)
    output.on("playback_finished", talk.finished.append)
    session.on("agent_false_interruption", lambda event: talk.false_alarms.append(event.resumed))
    await session.start(Agent(instructions="Be kind."), session_host=False, record=False)
    try:
        yield talk
    finally:
        ear.end()
        await session.aclose()
        await mouth.aclose()
        await settle()
