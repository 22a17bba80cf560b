"""The agent's side: a participant that publishes a tone, hears the telephone, and writes down what it sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from livekit import api, rtc

from lab.servers.livekit import LiveKit
from tests.lab.gateway.ears import Ear, tone, until

AGENT_HZ = 500
RATE = 16000
STATUS = "sip.callStatus"


@dataclass(eq=False)
class RoomSide:
    """A participant of an ordinary kind.

    `events` are, in order: ("joined", identity), ("track", identity), (STATUS, value), ("left", reason's name).
    """

    room: rtc.Room
    events: list[tuple[str, str]] = field(default_factory=list)
    digits: list[tuple[str, str]] = field(default_factory=list)
    last: dict[str, dict[str, str]] = field(default_factory=dict)
    ear: Ear = field(default_factory=lambda: Ear(RATE))
    source: rtc.AudioSource = field(default_factory=lambda: rtc.AudioSource(RATE, 1, queue_size_ms=100))
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def watch(self) -> None:
        room = self.room
        room.on("participant_connected", self._joined)
        room.on("participant_disconnected", self._left)
        room.on("participant_attributes_changed", self._changed)
        room.on("track_published", lambda _publication, who: self.events.append(("track", who.identity)))
        room.on("track_subscribed", lambda track, _publication, _who: self._hear(track))
        room.on("sip_dtmf_received", lambda event: self.digits.append((event.participant.identity, event.digit)))

    async def publish(self) -> None:
        """Publish a track with the tone."""
        track = rtc.LocalAudioTrack.create_audio_track("voice", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._speak()))

    def phone(self) -> rtc.RemoteParticipant:
        """The one SIP participant."""
        found = [
            p for p in self.room.remote_participants.values() if p.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        ]
        assert len(found) == 1
        return found[0]

    async def sees(self, *event: str) -> None:
        await until(lambda: event in self.events, f"{event}; there were {self.events}")

    async def status(self, value: str) -> None:
        """Wait until a SIP participant has this status, told by an event or found at its coming."""
        await self.sees(STATUS, value)

    def order(self, name: str) -> list[str]:
        """The values of one kind of event, in order."""
        return [value for kind, value in self.events if kind == name]

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()
        with contextlib.suppress(Exception):
            await self.source.aclose()

    def _joined(self, who: rtc.RemoteParticipant) -> None:
        self.events.append(("joined", who.identity))
        self.last[who.identity] = dict(who.attributes)
        if STATUS in who.attributes:
            self.events.append((STATUS, who.attributes[STATUS]))

    def _left(self, who: rtc.RemoteParticipant) -> None:
        reason = who.disconnect_reason
        self.events.append(("left", rtc.DisconnectReason.Name(reason) if reason is not None else "?"))

    def _changed(self, changed: dict[str, str], who: rtc.Participant) -> None:
        self.last[who.identity] = dict(who.attributes)
        if STATUS in changed:
            self.events.append((STATUS, changed[STATUS]))

    def _hear(self, track: rtc.Track) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        try:
            async for event in stream:
                self.ear.push(np.frombuffer(event.frame.data, np.int16))
        finally:
            await stream.aclose()

    async def _speak(self) -> None:
        next_frame = tone(AGENT_HZ, rate=RATE)
        while True:
            samples = next_frame()
            await self.source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))


@asynccontextmanager
async def in_room(
    livekit: LiveKit, room: str, *, identity: str = "agent", speaks: bool = True
) -> AsyncIterator[RoomSide]:
    """Yield a participant in a room; without `speaks` it publishes nothing yet."""
    token = (
        api.AccessToken(livekit.api_key, livekit.api_secret)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
    side = RoomSide(rtc.Room())
    side.watch()
    await side.room.connect(livekit.url, token)
    try:
        if speaks:
            await side.publish()
        yield side
    finally:
        await side.aclose()
