"""Received audio → what was heard: by the oracle, or by real recognition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lab.speech.announced import Announcement, Announcements, Segment
from lab.speech.ears import Ears
from lab.speech.loudness import Loudness, Utterances, Window

NEUTRAL = "Hello."
"""What the oracle hears from a caller that nobody announced: enough for an answer after each sentence."""
_LATE_S = 0.15  # a segment's end may be this late on the wire before silence must confirm it no longer
_REST_S = 0.25
_KEPT_S = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of transcript. `final` will not change; `last` ends the utterance."""

    text: str
    final: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech has begun."""


class Hearing(Protocol):
    """Hears one stream."""

    def feed(self, samples: NDArray[np.int16]) -> AsyncIterator[Heard | Onset]:
        """Take the next samples; yield what they complete."""
        ...


class OracleHearing:
    """Knows the words; needs the sound. A segment is heard when its end has been received, in audio time.

    On a busy machine a sentence may arrive torn: what is left of it after its last segment begins no new one, since a
    sentence begins only after `_REST_S` of silence.
    """

    def __init__(self, announcements: Announcements, tags: Sequence[str], sample_rate: int) -> None:
        self._announcements, self._tags = announcements, tags
        self._loudness, self._utterances = Loudness(sample_rate), Utterances()
        self._current: Announcement | None = None
        self._left: list[Segment] = []
        self._onset_s = 0.0
        self._loud_until_s = -_REST_S

    async def feed(self, samples: NDArray[np.int16]) -> AsyncIterator[Heard | Onset]:
        """Yield onsets and segments."""
        for window in self._loudness.feed(samples):
            rested = window.end_s - self._loud_until_s >= _REST_S
            if window.loud:
                self._loud_until_s = window.end_s
            if self._current is None and window.loud and rested:
                self._begin(window)
                yield Onset()
            if self._current is not None:
                if heard := self._known(window):
                    yield heard
            elif self._utterances.feed(window) and not self._announcements.knows(self._tags):
                yield Heard(NEUTRAL, final=True, last=True)

    def _begin(self, window: Window) -> None:
        self._current = self._announcements.next(self._tags)
        self._onset_s = window.end_s
        self._left = list(self._current.segments) if self._current else []

    def _known(self, window: Window) -> Heard | None:
        since_s = window.end_s - self._onset_s
        segment = self._left[0]
        if since_s < segment.end_s - 0.02 or (window.loud and since_s < segment.end_s + _LATE_S):
            return None
        self._left.pop(0)
        if not self._left:
            self._current = None
        return Heard(segment.text, final=True, last=not self._left)


class RealHearing:
    """Whisper on every utterance between silences."""

    def __init__(self, ears: Ears, sample_rate: int, threads: Executor) -> None:
        self._ears, self._rate, self._threads = ears, sample_rate, threads
        self._loudness, self._utterances = Loudness(sample_rate), Utterances()
        self._audio = np.zeros(0, np.int16)
        self._dropped = 0

    async def feed(self, samples: NDArray[np.int16]) -> AsyncIterator[Heard | Onset]:
        """Yield onsets, and the text of each utterance some time after its end."""
        self._audio = np.concatenate([self._audio, samples])
        for window in self._loudness.feed(samples):
            spoke = self._utterances.speaking
            ended = self._utterances.feed(window)
            if self._utterances.speaking and not spoke:
                yield Onset()
            if ended and (text := await self._recognise(*ended)):
                yield Heard(text, final=True, last=True)
        if (excess := len(self._audio) - int(_KEPT_S * self._rate)) > 0:
            self._audio, self._dropped = self._audio[excess:], self._dropped + excess

    async def _recognise(self, start_s: float, end_s: float) -> str:
        first = max(int((start_s - 0.1) * self._rate) - self._dropped, 0)
        cut = self._audio[first : int((end_s + 0.1) * self._rate) - self._dropped].copy()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self._ears.recognise(cut, sample_rate=self._rate))
