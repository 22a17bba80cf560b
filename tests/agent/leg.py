"""A caller's leg in a room, as livekit-sip brings one: participant kind, attributes, one audio track each way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import api, rtc

from lab.servers.livekit import LiveKit
from lab.speech.voice import Samples
from telephony.dispatch import CALL_ID, CALL_ID_FULL, CALL_STATUS, CALLED, CALLER, HOSTNAME, TRUNK_ID, worker_name

RATE = 16_000
FRAME = RATE // 50
LOUD = 300.0
"""Root of the mean square of int16: speech is far above, what Opus makes of silence far below."""
DTMF_CODES = {"*": 10, "#": 11} | {str(digit): digit for digit in range(10)}


@dataclass(eq=False)
class Leg:
    """Times are time.monotonic; None means that it did not happen yet. `heard` has a (time, loudness) per 20 ms."""

    handle: rtc.Room
    source: rtc.AudioSource
    call_id: str
    answers: bool
    began_s: float = field(default_factory=time.monotonic)
    published_s: float | None = None
    answered_s: float | None = None
    said_until_s: float = 0.0
    heard: list[tuple[float, float]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    _to_say: deque[Samples] = field(default_factory=deque)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def room(self) -> str:
        """The room's name."""
        return self.handle.name

    async def published(self, *, within_s: float = 30.0) -> None:
        """Wait until the agent has published its track: livekit-sip answers then."""
        await self._until(lambda: self.published_s is not None, within_s)

    async def answer(self) -> None:
        """Become active, as livekit-sip says it after 200 OK."""
        self.answered_s = time.monotonic()
        await self.handle.local_participant.set_attributes({CALL_STATUS: "active"})

    async def say(self, samples: Samples) -> float:
        """Speak; return when the last sound left."""
        self._to_say.append(samples)
        while self._to_say:
            await asyncio.sleep(0.01)
        return self.said_until_s

    async def press(self, keys: str) -> None:
        """Press keys of the telephone, as livekit-sip passes them on."""
        for key in keys:
            await self.handle.local_participant.publish_dtmf(code=DTMF_CODES[key], digit=key)
            await asyncio.sleep(0.1)

    def first_heard_s(self, after_s: float = 0.0) -> float | None:
        """When the agent was first audible after a moment."""
        return next((at for at, loudness in self.heard if at > after_s and loudness > LOUD), None)

    def last_heard_s(self) -> float | None:
        """When the agent was audible for the last time."""
        return next((at for at, loudness in reversed(self.heard) if loudness > LOUD), None)

    async def hear(self, *, after_s: float = 0.0, within_s: float = 30.0) -> float:
        """Wait until the agent is audible; return since when."""
        await self._until(lambda: self.first_heard_s(after_s) is not None, within_s)
        return self.first_heard_s(after_s) or 0.0

    async def hear_end(self, *, silence_s: float = 0.8, within_s: float = 40.0) -> float:
        """Wait until the agent has been audible and then silent for a while; return when it was last audible."""
        await self._until(lambda: 0.0 < (self.last_heard_s() or 0.0) < time.monotonic() - silence_s, within_s)
        return self.last_heard_s() or 0.0

    async def hung_up(self, *, within_s: float = 30.0) -> None:
        """Wait until the room is gone, which livekit-sip makes a BYE."""
        async with asyncio.timeout(within_s):
            await self.gone.wait()

    async def _until(self, condition: Any, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.02)

    def on_subscribed(self, track: rtc.Track, *_: object) -> None:
        self.published_s = self.published_s or time.monotonic()
        self.spawn(self._listen(track))
        if self.answers and self.answered_s is None:
            self.spawn(self.answer())

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16).astype(np.float64)
            self.heard.append((time.monotonic(), float(np.sqrt(np.mean(samples**2)))))
        await stream.aclose()

    async def send_sound(self) -> None:
        """Send what is to be said, and silence between: a telephone never stops sending."""
        silence, left = np.zeros(FRAME, np.int16), np.zeros(0, np.int16)
        while True:
            if not len(left) and self._to_say:
                left = self._to_say[0]
            frame, left = (left[:FRAME], left[FRAME:]) if len(left) else (silence, left)
            padded = np.pad(frame, (0, FRAME - len(frame)))
            await self.source.capture_frame(rtc.AudioFrame(padded.tobytes(), RATE, 1, FRAME))
            if frame is not silence:
                self.said_until_s = time.monotonic() + self.source.queued_duration
                if not len(left):
                    self._to_say.popleft()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    async def aclose(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.handle.disconnect()
        await self.source.aclose()


@asynccontextmanager
async def ring(
    livekit: LiveKit,
    *,
    room: str,
    deployment: str,
    metadata: str,
    caller: str = "+919812345678",
    host: str = "127.0.0.1",
    answers: bool = True,
    status: str = "ringing",
) -> AsyncIterator[Leg]:
    """Bring a leg into a new room, whose configuration dispatches the deployment's worker. Leaving hangs up."""
    call_id = f"{room}@127.0.0.1"
    token = (
        api.AccessToken(livekit.api_key, livekit.api_secret)
        .with_identity(f"sip_{caller}")
        .with_kind("sip")
        .with_grants(api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True))
        .with_attributes(
            {
                CALL_ID: f"SCL_{room}",
                CALL_ID_FULL: call_id,
                CALL_STATUS: status,
                CALLER: caller,
                HOSTNAME: host,
                CALLED: "+918071000001",
                TRUNK_ID: "ST_1",
            }
        )
        .with_room_config(
            api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=worker_name(deployment), metadata=metadata)])
        )
    )
    handle, source = rtc.Room(), rtc.AudioSource(RATE, 1, queue_size_ms=40)
    leg = Leg(handle, source, call_id, answers)
    handle.on("track_subscribed", leg.on_subscribed)
    handle.on("disconnected", lambda *_: leg.gone.set())
    try:
        await handle.connect(livekit.url, token.to_jwt())
        track = rtc.LocalAudioTrack.create_audio_track("caller", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await handle.local_participant.publish_track(track, options)
        leg.spawn(leg.send_sound())
        yield leg
    finally:
        await leg.aclose()
