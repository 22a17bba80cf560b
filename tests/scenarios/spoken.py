"""Which words of the agent are in a sound: its tone voice has a burst of its own for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.media.codec import Samples
from lab.speech.voice import ToneVoice, sentences

RATE = 8000
LOUD = 400
NEAR_HZ = 12.0
LOST = 2
_STEP = RATE // 200
_LEAST_STEPS = 20
"""A word takes 0.13 s and longer, with 0.04 s of silence before the next."""


def hears_to_the_end(sound: Samples, words: str) -> bool:
    """Say whether the last sentence of `words`, spoken by the agent's tone voice, is in a sound, word by word.

    Where packets were late a word may have come in two pieces: `LOST` of them need not be found.
    """
    wanted = _pitches(ToneVoice().speak(sentences(words)[-1], sample_rate=RATE))
    there, size = _pitches(sound), len(wanted) + LOST
    starts = range(max(len(there) - len(wanted) + LOST + 1, 0))
    return any(_in_order(wanted, there[start : start + size]) >= len(wanted) - LOST for start in starts)


def _in_order(wanted: Sequence[float], there: Sequence[float]) -> int:
    """Count the pitches that are in both in the same order, as many as can be."""
    best = [0] * (len(there) + 1)
    for one in wanted:
        before = 0
        for place, other in enumerate(there, 1):
            before, best[place] = (
                best[place],
                before + 1 if abs(one - other) < NEAR_HZ else max(best[place], best[place - 1]),
            )
    return best[-1]


def _pitches(sound: Samples) -> list[float]:
    """Return the frequency of every burst in turn."""
    steps = sound[: len(sound) // _STEP * _STEP].reshape(-1, _STEP)
    loud = np.concatenate([[False], np.abs(steps).max(axis=1, initial=0) > LOUD, [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1]).reshape(-1, 2)
    return [_pitch(sound[begin * _STEP : end * _STEP]) for begin, end in edges if end - begin >= _LEAST_STEPS]


def _pitch(burst: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(burst * np.hanning(len(burst)), n=RATE))
    return float(np.argmax(spectrum))
