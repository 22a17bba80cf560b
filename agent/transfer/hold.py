"""What a caller hears who waits, on a track of its own: a soft chime every few seconds, a tone, silence, or music."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import numpy as np
from livekit import rtc
from livekit.agents.utils.audio import audio_frames_from_file
from numpy.typing import NDArray

from agent.errors import HoldSoundError
from telephony.manifest.targets import Target

log = logging.getLogger("dialroom.transfer")

Sound = NDArray[np.int16]
RATE: Final = 16_000
LONGEST_S: Final = 300
"""So much of a file is kept in memory: 9.6 MB."""
TONE_HZ: Final = 425
BUILT_IN: Final = ("chime", "tone", "silence")
EVERY_S: Final = 4.0
_FRAME: Final = RATE // 50
_NOTES: Final = ((523.25, 0.25), (587.33, 0.35))
"""Hz and seconds."""
_ATTACK_S: Final = 0.03
_LOUDNESS: Final = 2500


def located(targets: Mapping[str, Target], folder: Path) -> dict[str, Target]:
    """Return targets with the whole paths of their sound files. Raises HoldSoundError for one that is not there."""
    found = {}
    for name, target in targets.items():
        if target.hold in BUILT_IN:
            found[name] = target
            continue
        path = Path(target.hold)
        try:
            path = folder / path.expanduser()
            is_there = path.is_file()
        except (OSError, RuntimeError, ValueError):  # a name that is too long, no such user
            is_there = False
        if not is_there:
            built_in = ", ".join(BUILT_IN)
            raise HoldSoundError(
                f"targets.{name}.hold: there is no file {path}; write a sound file's path, or {built_in}"
            )
        found[name] = target.model_copy(update={"hold": str(path)})
    return found


class HoldSound:
    """Plays from `start` to `aclose`. Whoever is not on the agent's list of tracks cannot hear it.

    `sound` is `chime`, `tone`, `silence`, or the path of a sound file, played again and again.
    """

    def __init__(self, room: rtc.Room, sound: str = "chime") -> None:
        self._room, self._sound = room, sound
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

    def hush(self) -> None:
        """Stop now, what waits to be played too."""
        if self._playing:
            self._playing.cancel()
            self._source.clear_queue()

    async def aclose(self) -> None:
        """Stop, and take the track away."""
        self.hush()
        if self._playing:
            await asyncio.gather(self._playing, return_exceptions=True)
        if self._publication and self._room.isconnected():
            await self._room.local_participant.unpublish_track(self._publication.sid)
        await self._source.aclose()

    async def _play(self) -> None:
        try:
            sound = await _samples(self._sound)
        except Exception:
            # Whatever a decoder makes of somebody's file: the caller waits with the chime, and not in silence.
            log.exception("the hold sound cannot be played")
            sound = _chime()
        while True:
            for start in range(0, len(sound) - _FRAME + 1, _FRAME):
                frame = sound[start : start + _FRAME].tobytes()
                await self._source.capture_frame(rtc.AudioFrame(frame, RATE, 1, _FRAME))


async def _samples(sound: str) -> Sound:
    """Return what is played again and again."""
    match sound:
        case "chime":
            return _chime()
        case "tone":
            return _tone()
        case "silence":
            return np.zeros(int(RATE * EVERY_S), np.int16)
        case _:
            return await _music(sound)


async def _music(path: str) -> Sound:
    """Decode the first minutes of a sound file. Raises ValueError for one that has no sound."""
    pieces, length = [], 0
    async for frame in audio_frames_from_file(path, sample_rate=RATE, num_channels=1):
        pieces.append(np.frombuffer(frame.data, np.int16).copy())
        length += len(pieces[-1])
        if length >= RATE * LONGEST_S:
            break
    if length < _FRAME:
        raise ValueError("there is no sound in it")
    return np.concatenate(pieces)


def _tone() -> Sound:
    """Return a soft tone that joins its own beginning."""
    time_s = np.arange(int(RATE * EVERY_S)) / RATE
    return (np.sin(2 * np.pi * TONE_HZ * time_s) * _LOUDNESS / 2).astype(np.int16)


def _chime() -> Sound:
    notes = []
    for hertz, seconds in _NOTES:
        time_s = np.arange(int(RATE * seconds)) / RATE
        swell = np.minimum(time_s, seconds - time_s).clip(max=_ATTACK_S) / _ATTACK_S  # neither end clicks
        notes.append(np.sin(2 * np.pi * hertz * time_s) * np.exp(-4 * time_s / seconds) * swell)
    sound = np.zeros(int(RATE * EVERY_S))
    played = np.concatenate(notes)
    sound[: len(played)] = played
    return (sound * _LOUDNESS).astype(np.int16)
