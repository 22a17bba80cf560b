"""The room half of a leg: a participant of kind SIP that publishes one track and hears all others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import api, rtc

from lab.gateway.config import GatewayConfig
from lab.gateway.mixer import Mixer
from lab.media.codec import Samples

log = logging.getLogger(__name__)

SIP_KIND = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
STATUS = "sip.callStatus"
TOKEN_TTL_S = 24 * 3600
_SOURCE_QUEUE_MS = 60
_BACKLOG_FRAMES = 8
PUBLISH_LIMIT_S = 6.0
PUBLISH_TRIES = 3
LEAVE_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who the leg is in which room. `room_config` is livekit.RoomConfiguration or None; it dispatches the agent."""

    room: str
    identity: str
    name: str
    metadata: str
    attributes: Mapping[str, str]
    room_config: Any = field(default=None, repr=False)


def room_token(config: GatewayConfig, seat: Seat) -> str:
    """Sign the token as livekit-sip does: the open-source server leaves that to the SIP side."""
    grants = api.VideoGrants(
        room_join=True,
        room=seat.room,
        can_publish=True,
        can_subscribe=True,
        can_publish_data=True,
        can_update_own_metadata=True,
    )
    token = (
        api.AccessToken(config.api_key, config.api_secret)
        .with_identity(seat.identity)
        .with_name(seat.name)
        .with_kind("sip")
        .with_metadata(seat.metadata)
        .with_attributes(dict(seat.attributes))
        .with_grants(grants)
    )
    if seat.room_config is not None:
        token = token.with_room_config(seat.room_config)
    return token.to_jwt()


class RoomLeg:
    """A participant. Hears into `mixer`, at `sample_rate`; `speak` is what the telephone says.

    company       set when it has asked for an audio track, or another SIP participant is there: livekit-sip's rule to
                  answer an inbound call
    gone          set when the room is over for it; `removed` says whether the server ended it
    """

    def __init__(self, mixer: Mixer, sample_rate: int) -> None:
        self.room = rtc.Room()
        self.company = asyncio.Event()
        self.gone = asyncio.Event()
        self.on_digit: Any = None
        self._mixer, self._rate = mixer, sample_rate
        self._source = rtc.AudioSource(sample_rate, 1, queue_size_ms=_SOURCE_QUEUE_MS)
        self._spoken: asyncio.Queue[Samples] = asyncio.Queue()
        self._listening = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._attributes: dict[str, str] = {}
        self.room.on("disconnected", lambda *_: self.gone.set())
        self.room.on("sip_dtmf_received", lambda event: self.on_digit and self.on_digit(event.digit))

    @property
    def participant_sid(self) -> str:
        """LiveKit's id of the participant."""
        return str(self.room.local_participant.sid)

    @property
    def attributes(self) -> dict[str, str]:
        """The participant's attributes; after the end of the room those that it had."""
        with contextlib.suppress(Exception):
            self._attributes = dict(self.room.local_participant.attributes)
        return self._attributes

    async def join(self, config: GatewayConfig, seat: Seat) -> None:
        """Join and publish the telephone's track. Raises rtc.ConnectError."""
        await self.room.connect(config.ws_url, room_token(config, seat), rtc.RoomOptions(auto_subscribe=False))
        await self._publish()
        self._tasks["speak"] = asyncio.create_task(self._speak())

    def listen(self) -> None:
        """Subscribe to every audio track that is there or comes, once each, as livekit-sip does by itself."""
        self._listening = True
        self.room.on("track_published", lambda publication, _: self._want(publication))
        self.room.on("track_subscribed", lambda track, publication, _: self._hear(track, publication.sid))
        self.room.on("track_unsubscribed", lambda _track, publication, _: self._forget(publication.sid))
        self.room.on("participant_connected", lambda participant: self._meet(participant))
        for participant in self.room.remote_participants.values():
            self._meet(participant)
            for publication in participant.track_publications.values():
                self._want(publication)

    def speak(self, samples: Samples) -> None:
        """Say 20 ms into the room; a backlog is cut, so that it cannot become delay."""
        while self._spoken.qsize() > _BACKLOG_FRAMES:
            self._spoken.get_nowait()
        self._spoken.put_nowait(samples)

    async def set_attributes(self, **attributes: str) -> None:
        """Change attributes; keys are given with `_` for `.`: `sip_callStatus`."""
        with contextlib.suppress(Exception):
            named = {key.replace("_", ".", 1): value for key, value in attributes.items()}
            await self.room.local_participant.set_attributes(named)

    async def press(self, digit: str) -> None:
        """Tell the room a key of the telephone."""
        code = "0123456789*#ABCD".index(digit)
        with contextlib.suppress(Exception):
            await self.room.local_participant.publish_dtmf(code=code, digit=digit)

    async def leave(self, reason: Any = rtc.DisconnectReason.CLIENT_INITIATED) -> None:
        """Leave the room; `reason` is what the others are told. May be called twice."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):  # a timeout too: the SDK may wait for ever for a join that was cut short
            async with asyncio.timeout(LEAVE_LIMIT_S):
                await self.room.disconnect(reason=reason)
        with contextlib.suppress(Exception):
            await self._source.aclose()
        self.gone.set()

    def _meet(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == SIP_KIND:
            self.company.set()

    def _want(self, publication: rtc.RemoteTrackPublication) -> None:
        if publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)
            self.company.set()

    def _hear(self, track: rtc.Track, sid: str) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks[sid] = asyncio.create_task(self._read(track, sid))

    def _forget(self, sid: str) -> None:
        self._mixer.remove(sid)
        if task := self._tasks.pop(sid, None):
            task.cancel()

    async def _publish(self) -> None:
        """Publish, again when that is not done in time: beside many others a negotiation of the SDK can get lost."""
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        for _ in range(PUBLISH_TRIES):
            track = rtc.LocalAudioTrack.create_audio_track("sip", self._source)
            try:
                async with asyncio.timeout(PUBLISH_LIMIT_S):
                    await self.room.local_participant.publish_track(track, options)
            except TimeoutError:
                log.warning("the telephone's track is not published after %s s", PUBLISH_LIMIT_S)
            else:
                return
        raise rtc.ConnectError("the telephone's track could not be published")

    async def _read(self, track: rtc.Track, sid: str) -> None:
        voice = self._mixer.add(sid)
        stream = rtc.AudioStream(track, sample_rate=self._rate, num_channels=1, frame_size_ms=20)
        try:
            async for event in stream:
                voice.push(np.frombuffer(event.frame.data, np.int16))
        finally:
            self._mixer.remove(sid)
            await stream.aclose()

    async def _speak(self) -> None:
        while True:
            samples = await self._spoken.get()
            frame = rtc.AudioFrame(samples.tobytes(), self._rate, 1, len(samples))
            try:
                await self._source.capture_frame(frame)
            except Exception:
                if not self.gone.is_set():
                    log.exception("a frame did not reach the room")
