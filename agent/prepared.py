"""Speech that is made before it is needed: the greeting is ready while the phone rings."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import tts

FRAME_MS = 20
_BYTES = 2


class PreparedSpeech:
    """Sentences as audio, kept in a folder that all calls and processes of this machine share.

    The folder is only a cache: when it cannot be written, each call makes its own.
    """

    def __init__(self, speaker: tts.TTS[Any], *, voice: str, folder: Path) -> None:
        self._speaker, self._voice, self._folder = speaker, voice, folder.expanduser() / "prepared"

    async def audio(self, text: str) -> bytes:
        """Return a sentence as 16-bit PCM in the speaker's sample rate. Raises what the speaker raises (APIError)."""
        path = self._folder / f"{self._key(text)}.pcm"
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            audio = await self._make(text)
        await asyncio.to_thread(_keep, path, audio)
        return audio

    def frames(self, audio: bytes) -> AsyncIterator[rtc.AudioFrame]:
        """Cut PCM into frames, as `AgentSession.say` takes them."""
        return _frames(audio, self._speaker.sample_rate)

    async def _make(self, text: str) -> bytes:
        async with self._speaker.synthesize(text) as stream:
            return b"".join([bytes(event.frame.data) async for event in stream])

    def _key(self, text: str) -> str:
        named = f"1|{self._voice}|{self._speaker.sample_rate}|{text}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]


async def _frames(audio: bytes, sample_rate: int) -> AsyncIterator[rtc.AudioFrame]:
    samples = sample_rate * FRAME_MS // 1000
    for start in range(0, len(audio), samples * _BYTES):
        piece = audio[start : start + samples * _BYTES].ljust(samples * _BYTES, b"\0")
        yield rtc.AudioFrame(piece, sample_rate, 1, samples)


def _keep(path: Path, audio: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as scratch:
            scratch.write(audio)
        Path(scratch.name).replace(path)
    except OSError:
        return
