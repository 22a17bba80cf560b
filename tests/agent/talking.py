"""Somebody who talks, in a real voice: frames of 20 ms at 8 kHz, for ever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.media.codec import Samples
from lab.speech.voice import Voice

RATE = 8000
FRAME = RATE // 50
WORDS = "Front office, good morning, this is Asha, how can I help you today? We are rather busy here at the moment."
LOUD = 400
SILENCE = np.zeros(FRAME, np.int16)

Talk = Callable[[], Samples]


def without_pause(voice: Voice) -> Talk:
    """Return frames of speech without a break, for ever."""
    return _again([frame for frame in _frames(voice) if np.abs(frame).max() > LOUD])


def in_breaths(voice: Voice, *, speech_s: float = 2.0, pause_s: float = 0.6) -> Talk:
    """Return frames of speech with a pause after every breath, for ever: recognition hears words again and again."""
    return _again(_frames(voice)[: round(speech_s * RATE / FRAME)] + [SILENCE] * round(pause_s * RATE / FRAME))


def then_silent(voice: Voice, speech_s: float) -> Talk:
    """Return frames of speech for so long, and silence."""
    speech, left = without_pause(voice), iter(range(round(speech_s * RATE / FRAME)))
    return lambda: SILENCE if next(left, None) is None else speech()


def _frames(voice: Voice) -> list[Samples]:
    spoken = voice.speak(WORDS, sample_rate=RATE)
    return list(spoken[: len(spoken) // FRAME * FRAME].reshape(-1, FRAME))


def _again(frames: list[Samples]) -> Talk:
    place = iter(range(10**9))
    return lambda: frames[next(place) % len(frames)]
