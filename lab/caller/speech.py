"""A sentence as frames to send, and what an oracle of the speech stand-ins needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lab.caller.loudness import is_audible
from lab.media.codec import Samples
from lab.speech.voice import Voice

Part = str | float
"""Words, or seconds of silence between words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Words between pauses. Times are seconds from the sentence's first sound."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Speech at one sample rate."""

    text: str
    samples: Samples
    sample_rate: int
    segments: tuple[Segment, ...]

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return len(self.samples) / self.sample_rate

    def frames(self) -> Iterator[tuple[Samples, bool]]:
        """Yield its 20 ms frames and whether each is audible; the last one is filled up with silence."""
        size = self.sample_rate // 50
        padded = np.concatenate([self.samples, np.zeros(-len(self.samples) % size, np.int16)])
        for frame in padded.reshape(-1, size):
            yield frame, is_audible(frame)


def speak(parts: Sequence[Part], *, voice: Voice, sample_rate: int) -> Sentence:
    """Let the voice speak the texts, with silence where a number stands. Blocks: call it in a thread."""
    pieces, segments, length = [np.zeros(0, np.int16)], [], 0
    for part in parts:
        if isinstance(part, str):
            sound = voice.speak(part, sample_rate=sample_rate)
            start_s, end_s = length / sample_rate, (length + len(sound)) / sample_rate
            segments.append(Segment(text=part, start_s=start_s, end_s=end_s))
        else:
            sound = np.zeros(round(part * sample_rate), np.int16)
        pieces.append(sound)
        length += len(sound)
    return Sentence(
        text=text_of(parts),
        samples=np.concatenate(pieces),
        sample_rate=sample_rate,
        segments=tuple(segments),
    )


def text_of(parts: Sequence[Part]) -> str:
    """Return the words without the pauses."""
    return " ".join(part for part in parts if isinstance(part, str))
