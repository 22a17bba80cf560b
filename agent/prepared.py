"""Speech that is made before it is needed: the greeting is ready while the phone rings."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from livekit import rtc
from livekit.agents import APITimeoutError, tts

FRAME_MS: Final = 20
KEPT_SENTENCES: Final = 500
WAIT_FOR_OTHER_S: Final = 5.0
MAKE_LIMIT_S: Final = 6.0
"""A voice that is away takes two minutes by the plugin's own tries, and somebody waits for the words."""
_BYTES: Final = 2
_POLL_S: Final = 0.02


class PreparedSpeech:
    """Sentences as audio, kept in a folder that all calls and processes of this machine share.

    What several calls miss at once is made once. The folder is only a cache: when it cannot be written, each call makes
    its own. `voice` names what the audio depends on besides the text.
    """

    def __init__(self, speaker: tts.TTS[Any], *, voice: str, folder: Path) -> None:
        self._speaker, self._voice, self._folder = speaker, voice, folder.expanduser() / "prepared"

    async def audio(self, text: str) -> bytes:
        """Return a sentence as 16-bit PCM in the speaker's sample rate. Raises what the speaker raises (APIError)."""
        path = self._folder / f"{self._key(text)}.pcm"
        if kept := _read(path):
            return kept
        async with _one_at_a_time(path.with_suffix(".lock")):
            if kept := _read(path):
                return kept
            audio = await self._make(text)
            await asyncio.to_thread(_keep, path, audio)
            return audio

    def frames(self, audio: bytes) -> AsyncIterator[rtc.AudioFrame]:
        """Cut PCM into frames, as `AgentSession.say` takes them."""
        return _frames(audio, self._speaker.sample_rate)

    async def _make(self, text: str) -> bytes:
        try:
            async with asyncio.timeout(MAKE_LIMIT_S), self._speaker.synthesize(text) as stream:
                return b"".join([bytes(event.frame.data) async for event in stream])
        except TimeoutError:
            raise APITimeoutError("a sentence was not made in time") from None

    def _key(self, text: str) -> str:
        named = f"1|{self._voice}|{self._speaker.sample_rate}|{text}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]


async def _frames(audio: bytes, sample_rate: int) -> AsyncIterator[rtc.AudioFrame]:
    samples = sample_rate * FRAME_MS // 1000
    for start in range(0, len(audio), samples * _BYTES):
        piece = audio[start : start + samples * _BYTES].ljust(samples * _BYTES, b"\0")
        yield rtc.AudioFrame(piece, sample_rate, 1, samples)


@asynccontextmanager
async def _one_at_a_time(path: Path) -> AsyncIterator[None]:
    """Wait until no other process makes the same sentence, but no longer than `WAIT_FOR_OTHER_S`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("wb")
    except OSError:
        yield
        return
    with lock:
        for _ in range(round(WAIT_FOR_OTHER_S / _POLL_S)):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                await asyncio.sleep(_POLL_S)
        yield


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _keep(path: Path, audio: bytes) -> None:
    """Write it in one step, and forget what was made longest ago. Silence is not worth keeping."""
    if not audio:
        return
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as scratch:
            scratch.write(audio)
        Path(scratch.name).replace(path)
        by_age = sorted(path.parent.glob("*.pcm"), key=lambda kept: kept.stat().st_mtime)
        for old in by_age[:-KEPT_SENTENCES]:
            old.unlink(missing_ok=True)
            old.with_suffix(".lock").unlink(missing_ok=True)
    except OSError:
        return
