"""A briefing without a room: a human whose sound reaches real voice detection, and an ear that knows every word.

Each word of the agent is a level of its own, so that what was played can be read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, Agent, AgentSession, APIConnectOptions, LanguageCode, stt, tts
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities

from agent.heard import HeardAudio
from agent.session import make_session, make_vad
from agent.settings import TurnSettings
from agent.speech import Services
from agent.transfer.briefing import Briefing
from agent.transfer.events import Answer
from tests.agent.scripted import ScriptedModel, UseTool
from tests.agent.talking import FRAME, LOUD, RATE, SILENCE, Talk

WORD_S = 0.12
BREAK_S = 0.3
OUT_RATE = 16_000
LIMIT_S = 40.0


@dataclass(eq=False)
class Human:
    """`talk` is what they say now; recognition takes every utterance for `words`. `answers` are what was decided."""

    ear: Ear
    model: ScriptedModel
    briefing: Briefing
    line: Line
    answers: list[Answer] = field(default_factory=list)

    def says(self, talk: Talk, words: str = "Hello.") -> None:
        """Say something from now on."""
        self.line.talk, self.line.words = talk, words

    async def hears(self, sentence: str) -> None:
        """Wait until the words of a sentence were heard one after the other."""
        wanted = sentence.split()
        await _until(
            lambda: any(self.ear.words[at : at + len(wanted)] == wanted for at in range(len(self.ear.words))),
            lambda: f"{sentence!r} was not heard, but {self.ear.words}",
        )

    async def decides(self) -> Answer:
        """Wait for a decision."""
        await _until(lambda: self.answers, lambda: "nothing was decided")
        return self.answers[0]


@asynccontextmanager
async def in_private(opening: str, *replies: str | UseTool, talk: Talk = lambda: SILENCE) -> AsyncIterator[Human]:
    """Yield a human who has picked up, and talks, and to whom the briefing begins to speak."""
    line, ear, model = Line(talk), Ear(), ScriptedModel(*replies)
    services = Services(stt=cast(Any, _Recogniser(line)), llm=model, tts=_Voice(ear.levels), voice="levels")
    turn = TurnSettings()
    session = make_session(services, make_vad(turn), turn, keeps_hearing=True)
    publications: dict[str, Any] = {}
    room = SimpleNamespace(remote_participants={}, local_participant=SimpleNamespace(track_publications=publications))

    async def start(session: AgentSession[None], agent: Agent, _room: rtc.Room, _human: str) -> None:
        heard = HeardAudio(ear)
        session.input.audio, session.output.audio, session.output.transcription = line, heard, heard.words
        await session.start(agent, record=False)
        publications["TR_voice"] = None

    human = Human(ear, model, cast(Any, None), line)
    human.briefing = Briefing(
        cast(rtc.Room, room), session, start, opening=opening, reason="", said=(), decide=human.answers.append
    )
    await human.briefing.publish("human-1")
    human.briefing.announce()
    try:
        yield human
    finally:
        await human.briefing.aclose()
        await ear.aclose()


class Line(AudioInput):
    """What comes from the human, 20 ms at a time and as fast as time goes."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(label="line")
        self.talk, self.words = talk, "Hello."
        self._next_s = 0.0

    async def __anext__(self) -> rtc.AudioFrame:
        now_s = asyncio.get_running_loop().time()
        self._next_s = max(self._next_s + FRAME / RATE, now_s - 0.2)
        await asyncio.sleep(self._next_s - now_s)
        return rtc.AudioFrame(self.talk().astype(np.int16).tobytes(), RATE, 1, FRAME)


class Ear(AudioOutput):
    """Plays in real time; `words` are those of which half was played, in turn."""

    def __init__(self) -> None:
        super().__init__(
            label="ear", capabilities=AudioOutputCapabilities(pause=True), next_in_chain=None, sample_rate=OUT_RATE
        )
        self.levels: dict[str, int] = {}
        self.words: list[str] = []
        self._waiting: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
        self._plays = asyncio.Event()
        self._plays.set()
        self._played_s = self._of_word_s = 0.0
        self._level = 0
        self._playing = asyncio.create_task(self._play())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._waiting.put_nowait(frame)

    def flush(self) -> None:
        super().flush()
        self._waiting.put_nowait(None)

    def clear_buffer(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._finish(interrupted=True)

    def pause(self) -> None:
        super().pause()
        self._plays.clear()

    def resume(self) -> None:
        super().resume()
        self._plays.set()

    async def aclose(self) -> None:
        self._playing.cancel()
        with suppress(asyncio.CancelledError):
            await self._playing

    async def _play(self) -> None:
        while True:
            frame = await self._waiting.get()
            await self._plays.wait()
            if frame is None:
                self._finish(interrupted=False)
                continue
            if not self._played_s:
                self.on_playback_started(created_at=0.0)
            self._played_s += frame.duration
            for level in np.frombuffer(frame.data, np.int16)[:: OUT_RATE // 100]:
                self._hear(int(level))
            await asyncio.sleep(frame.duration)

    def _hear(self, level: int) -> None:
        self._of_word_s = self._of_word_s + 0.01 if level == self._level else 0.0
        self._level = level
        if level and abs(self._of_word_s - WORD_S / 2) < 0.005:
            self.words += [word for word, its_level in self.levels.items() if its_level == level]

    def _finish(self, *, interrupted: bool) -> None:
        if self._pending_playback_count:
            played_s, self._played_s = self._played_s, 0.0
            self.on_playback_finished(playback_position=played_s, interrupted=interrupted)


class _Voice(tts.TTS[Any]):
    def __init__(self, levels: dict[str, int]) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=OUT_RATE, num_channels=1)
        self._levels = levels

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Speech(self._levels, tts=self, input_text=text, conn_options=conn_options)


class _Speech(tts.ChunkedStream):
    def __init__(self, levels: dict[str, int], **given: Any) -> None:
        super().__init__(**given)
        self._levels = levels

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="r", sample_rate=OUT_RATE, num_channels=1, mime_type="audio/pcm", frame_size_ms=20
        )
        for word in self._input_text.split():
            level = self._levels.setdefault(word, 1000 + len(self._levels))
            samples = np.full(round((WORD_S + 0.04) * OUT_RATE), level, np.int16)
            samples[round(WORD_S * OUT_RATE) :] = 0
            output_emitter.push(samples.tobytes())


class _Recogniser(stt.STT[Any]):
    """Hears the line's words when speech is followed by a pause."""

    def __init__(self, line: Line) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self._line = line

    def stream(
        self, *, language: Any = None, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> stt.RecognizeStream:
        return _Recognition(self._line, stt=self, conn_options=conn_options, sample_rate=RATE)

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        raise NotImplementedError


class _Recognition(stt.RecognizeStream):
    def __init__(self, line: Line, **given: Any) -> None:
        super().__init__(**given)
        self._line = line

    async def _run(self) -> None:
        spoken_s = quiet_s = 0.0
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            if np.abs(np.frombuffer(frame.data, np.int16)).max(initial=0) > LOUD:
                spoken_s, quiet_s = spoken_s + frame.duration, 0.0
                continue
            quiet_s += frame.duration
            if spoken_s > BREAK_S and quiet_s >= BREAK_S:
                spoken_s = 0.0
                found = stt.SpeechData(language=LanguageCode("en"), text=self._line.words)
                self._event_ch.send_nowait(
                    stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[found])
                )


async def _until(condition: Callable[[], object], what: Callable[[], str]) -> None:
    loop = asyncio.get_running_loop()
    limit_s = loop.time() + LIMIT_S
    while not condition():
        assert loop.time() < limit_s, what()
        await asyncio.sleep(0.02)
