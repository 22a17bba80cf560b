"""What a caller hears who waits: a soft chime every few seconds, on a track of its own."""

from __future__ import annotations

import asyncio
from typing import Final, Self

import numpy as np
from livekit import rtc

RATE: Final = 16_000
EVERY_S: Final = 4.0
_FRAME: Final = RATE // 50
_NOTES: Final = ((523.25, 0.25), (587.33, 0.35))
"""Hz and seconds."""
_ATTACK_S: Final = 0.03
_LOUDNESS: Final = 2500


class HoldSound:
    """Plays from `start` to `aclose`. Whoever is not on the agent's list of tracks cannot hear it."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=100)
        self._publication: rtc.LocalTrackPublication | None = None
        self._playing: asyncio.Task[None] | None = None

    async def start(self) -> Self:
        """Publish the track."""
        track = rtc.LocalAudioTrack.create_audio_track("hold", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
        self._publication = await self._room.local_participant.publish_track(track, options)
        self._playing = asyncio.create_task(self._play())
        return self

    @property
    def sid(self) -> str:
        """The track's id."""
        return self._publication.sid if self._publication else ""

    async def aclose(self) -> None:
        """Stop, and take the track away."""
        if self._playing:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        if self._publication and self._room.isconnected():
            await self._room.local_participant.unpublish_track(self._publication.sid)
        await self._source.aclose()

    async def _play(self) -> None:
        chime = _chime()
        while True:
            for start in range(0, len(chime), _FRAME):
                await self._source.capture_frame(
                    rtc.AudioFrame(chime[start : start + _FRAME].tobytes(), RATE, 1, _FRAME)
                )


def _chime() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    notes = []
    for hertz, seconds in _NOTES:
        time_s = np.arange(int(RATE * seconds)) / RATE
        swell = np.minimum(time_s, seconds - time_s).clip(max=_ATTACK_S) / _ATTACK_S  # neither end clicks
        notes.append(np.sin(2 * np.pi * hertz * time_s) * np.exp(-4 * time_s / seconds) * swell)
    sound = np.zeros(int(RATE * EVERY_S))
    played = np.concatenate(notes)
    sound[: len(played)] = played
    return (sound * _LOUDNESS).astype(np.int16)
