"""A caller's leg in a room, as livekit-sip brings one: participant kind, attributes, one audio track each way."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from livekit import api, rtc
from numpy.typing import NDArray

from lab.servers.livekit import LiveKit
from telephony.dispatch import CALL_ID, CALL_ID_FULL, CALL_STATUS, CALLED, CALLER, DispatchMetadata, worker_name

RATE = 16_000
FRAME = RATE // 50
LOUD = 300  # of 32767, root of the mean square: speech is far above, Opus' silence far below
Samples = NDArray[np.int16]


@dataclass(eq=False)
class Leg:
    """Times are time.monotonic; what did not happen yet is None. `heard` has one (time, loudness) per 20 ms frame."""

    room: rtc.Room
    number: str
    started_s: float
    source: rtc.AudioSource
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    agent_joined_s: float | None = None
    published_s: float | None = None
    answered_s: float | None = None
    last_spoken_s: float = 0.0
    heard: list[tuple[float, float]] = field(default_factory=list)
    _to_say: deque[Samples] = field(default_factory=deque)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _stop: bool = False

    def say(self, samples: Samples) -> asyncio.Event:
        """Speak; the event is set when the last sample has been handed over."""
        done = asyncio.Event()
        self._to_say.extend([samples])
        self._tasks.add(asyncio.create_task(self._wait_silent(done)))
        return done

    async def _wait_silent(self, done: asyncio.Event) -> None:
        while self._to_say:
            await asyncio.sleep(0.01)
        done.set()

    async def status(self, status: str) -> None:
        """Change `sip.callStatus`, as the SIP side does."""
        await self.room.local_participant.set_attributes({CALL_STATUS: status})

    def first_heard_s(self, *, after_s: float = 0.0) -> float | None:
        """When the agent was first audible after a moment."""
        return next((at for at, loudness in self.heard if at > after_s and loudness > LOUD), None)

    async def hear(self, *, after_s: float = 0.0, within_s: float = 20.0) -> float:
        """Wait until the agent is audible; return when."""
        async with asyncio.timeout(within_s):
            while (at := self.first_heard_s(after_s=after_s)) is None:
                await asyncio.sleep(0.02)
        return at

    async def hear_end(self, *, silence_s: float = 0.7, within_s: float = 30.0) -> float:
        """Wait until the agent has been silent for a while; return when it was last audible."""
        async with asyncio.timeout(within_s):
            while True:
                last = max((at for at, loudness in self.heard if loudness > LOUD), default=None)
                if last is not None and time.monotonic() - last > silence_s:
                    return last
                await asyncio.sleep(0.05)

    async def _pump(self) -> None:
        silence = np.zeros(FRAME, np.int16)
        left = np.zeros(0, np.int16)
        while not self._stop:
            if not len(left) and self._to_say:
                left = self._to_say[0]
            frame = silence
            if len(left):
                frame = np.pad(left[:FRAME], (0, max(0, FRAME - len(left))))
                left = left[FRAME:]
            await self.source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME))
            if frame is not silence:
                self.last_spoken_s = time.monotonic() + self.source.queued_duration
                if not len(left):
                    self._to_say.popleft()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16).astype(np.float64)
            self.heard.append((time.monotonic(), float(np.sqrt(np.mean(samples**2)))))
        await stream.aclose()

    def spawn(self, work: object) -> None:
        self._tasks.add(asyncio.ensure_future(work))  # type: ignore[arg-type]


@asynccontextmanager
async def ring(
    livekit: LiveKit,
    *,
    room: str,
    deployment: str = "rig",
    agent: str = "desk",
    caller: str = "+919812345678",
    call_id: str = "abc@127.0.0.1",
    answers: bool = True,
    dispatch: bool = True,
) -> AsyncIterator[Leg]:
    """Bring a ringing leg into a new room whose agent is dispatched by the room's configuration."""
    identity = f"sip_{caller}"
    metadata = DispatchMetadata(deployment=deployment, agent=agent, number="+918071000001").to_json()
    token = (
        api.AccessToken(livekit.api_key, livekit.api_secret)
        .with_identity(identity)
        .with_kind("sip")
        .with_grants(api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True))
        .with_attributes({CALL_ID: f"SCL_{room}", CALL_ID_FULL: call_id, CALL_STATUS: "ringing", CALLER: caller, CALLED: "+918071000001"})
    )
    if dispatch:
        token = token.with_room_config(
            api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=worker_name(deployment), metadata=metadata)])
        )
    handle = rtc.Room()
    leg = Leg(handle, caller, time.monotonic(), rtc.AudioSource(RATE, 1, queue_size_ms=40))

    @handle.on("participant_connected")
    def joined(participant: rtc.RemoteParticipant) -> None:
        leg.agent_joined_s = leg.agent_joined_s or time.monotonic()

    @handle.on("track_published")
    def published(publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        leg.published_s = leg.published_s or time.monotonic()

    @handle.on("track_subscribed")
    def subscribed(track: rtc.Track, *_: object) -> None:
        leg.spawn(leg._listen(track))
        if answers and leg.answered_s is None:
            leg.answered_s = time.monotonic()
            leg.spawn(leg.status("active"))
            leg.answered.set()

    @handle.on("disconnected")
    def disconnected(*_: object) -> None:
        leg.gone.set()

    leg.started_s = time.monotonic()
    await handle.connect(livekit.url, token.to_jwt())
    leg.joined_s = time.monotonic()
    track = rtc.LocalAudioTrack.create_audio_track("caller", leg.source)
    await handle.local_participant.publish_track(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    leg.spawn(leg._pump())
    try:
        yield leg
    finally:
        leg._stop = True
        await handle.disconnect()
        for task in leg._tasks:
            task.cancel()
        await asyncio.gather(*leg._tasks, return_exceptions=True)
        await leg.source.aclose()
