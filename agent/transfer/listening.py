"""Listens to a human who is briefed for the beep of a voicemail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np
from livekit import rtc

from agent.transfer.beep import BeepDetector

RATE: Final = 16_000
LOOK_EVERY_S: Final = 0.1


async def hear_beep(room: rtc.Room, human: str, tell: Callable[[], None]) -> None:
    """Call `tell` when the human's leg beeps as a voicemail does; runs until it is cancelled or the track ends."""
    track = await _track(room, human)
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    detector = BeepDetector(RATE)
    try:
        async for event in stream:
            if detector.push(np.frombuffer(event.frame.data, np.int16)):
                tell()
    finally:
        await stream.aclose()


async def _track(room: rtc.Room, human: str) -> rtc.Track:
    while True:
        there = room.remote_participants.get(human)
        for publication in there.track_publications.values() if there else ():
            if publication.track is not None:
                return publication.track
        await asyncio.sleep(LOOK_EVERY_S)
