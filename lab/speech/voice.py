"""Text → speech: a real voice from a wheel (hibari), or tone bursts where it is missing. Cached, and repeatable."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from lab.servers.binaries import cache_dir
from telephony.errors import WorldError

Samples = NDArray[np.int16]
NATIVE_RATE = 24_000
_TRIM_THRESHOLD = 0.006  # -44 dBFS: breath and the model's hiss are below
_TRIM_MARGIN_S = 0.01


class VoiceMissingError(WorldError):
    """The real voice is not installed."""


class Voice(Protocol):
    """Something that speaks. The same text gives the same samples."""

    name: str

    def speak(self, text: str, *, sample_rate: int) -> Samples:
        """Return the speech, mono, without silence before and after."""
        ...


class RealVoice:
    """hibari's voice. `speed` 1.0 is its own pace; another one makes a second speaker that the ear tells apart.

    What was spoken once lies in memory and under `cache` (default: the cache folder). Raises VoiceMissingError.
    """

    name = "hibari"

    def __init__(self, *, speed: float = 1.0, pitch: float = 1.0, cache: Path | None = None) -> None:
        try:
            from hibari import Hibari
        except ImportError:
            raise VoiceMissingError("the voice is not installed: run `make setup` (extra `voices`)") from None
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        self._model = Hibari()
        self._speed, self._pitch = speed, pitch
        self._cache = cache or cache_dir() / "voice"
        self._cache.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Samples] = {}

    def speak(self, text: str, *, sample_rate: int) -> Samples:
        """Return the speech at `sample_rate`, from the cache where it is."""
        key = hashlib.sha256(f"1|{self._speed}|{self._pitch}|{sample_rate}|{text}".encode()).hexdigest()[:32]
        if key not in self._known:
            self._known[key] = self._from_disk(self._cache / f"{key}.npy", text, sample_rate)
        return self._known[key]

    def _from_disk(self, path: Path, text: str, sample_rate: int) -> Samples:
        try:
            return np.asarray(np.load(path), np.int16)
        except (OSError, ValueError, EOFError):
            samples = self._synthesise(text, sample_rate)
        with tempfile.NamedTemporaryFile(dir=self._cache, delete=False) as scratch:
            np.save(scratch, samples)
        Path(scratch.name).replace(path)
        return samples

    def _synthesise(self, text: str, sample_rate: int) -> Samples:
        if not re.search(r"\w", text):
            return np.zeros(0, np.int16)
        native = trimmed(np.asarray(self._model(text, speed=self._speed, seed=0), np.float32), NATIVE_RATE)
        return to_int16(soxr.resample(native, NATIVE_RATE * self._pitch, sample_rate))


class ToneVoice:
    """A burst of 220 to 440 Hz per word, as long as the word. Needs nothing and says nothing.

    With `hertz` each word is that tone and its octave: a speaker who is told apart, and is no beep.
    """

    name = "tone"

    def __init__(self, *, hertz: int | None = None) -> None:
        self._hertz = hertz

    def speak(self, text: str, *, sample_rate: int) -> Samples:
        """Return the bursts with 40 ms between them."""
        pieces: list[NDArray[np.float32]] = []
        for word in text.split():
            seconds = np.arange(int((0.08 + 0.05 * len(word)) * sample_rate)) / sample_rate
            pieces += [self._tone(word, seconds).astype(np.float32), np.zeros(sample_rate // 25, np.float32)]
        return to_int16(np.concatenate(pieces[:-1])) if pieces else np.zeros(0, np.int16)

    def _tone(self, word: str, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._hertz is not None:
            phase = 2 * np.pi * self._hertz * seconds
            return np.sin(phase) * 0.3 + np.sin(2 * phase) * 0.25
        pitch = 220 + int(hashlib.sha256(word.encode()).hexdigest()[:4], 16) % 220
        return np.sin(2 * np.pi * pitch * seconds) * 0.3


def trimmed(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Return the samples without silence at both ends: the end of speech on the wire is the end of the sound."""
    loud = np.flatnonzero(np.abs(samples) > _TRIM_THRESHOLD)
    if not len(loud):
        return samples[:0]
    margin = int(_TRIM_MARGIN_S * sample_rate)
    return samples[max(int(loud[0]) - margin, 0) : int(loud[-1]) + margin]


def to_int16(samples: NDArray[np.float32]) -> Samples:
    """Return float samples in [-1, 1] as int16, clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)


def sentences(text: str) -> Sequence[str]:
    """Split a text where a voice may breathe: after . ! ? and the Hindi danda."""
    return [piece for piece in (part.strip() for part in re.split(r"(?<=[.!?।])\s+", text)) if piece]
