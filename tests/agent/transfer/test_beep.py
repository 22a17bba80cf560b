"""The beep of a voicemail, told from everything else that a telephone sounds like."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.transfer.beep import BeepDetector

RATE = 16_000
RANDOM = np.random.default_rng(7)


def tone(seconds: float, *hertz: float, loudness: int = 6000) -> NDArray[np.int16]:
    time_s = np.arange(int(RATE * seconds)) / RATE
    return (sum(np.sin(2 * np.pi * each * time_s) for each in hertz) / len(hertz) * loudness).astype(np.int16)


def silence(seconds: float) -> NDArray[np.int16]:
    """As a telephone line has it: a little noise."""
    return RANDOM.normal(0, 20, int(RATE * seconds)).astype(np.int16)


def speech(seconds: float) -> NDArray[np.int16]:
    """A buzz with formants that move, in syllables."""
    time_s = np.arange(int(RATE * seconds)) / RATE
    pitch = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 2 * time_s)) / RATE
    voice = sum(np.sin(number * pitch) / number for number in range(1, 20))
    return (voice * (np.sin(2 * np.pi * 4 * time_s) > -0.3) * 3000).astype(np.int16)


def beeps(*parts: NDArray[np.int16], piece: int = 320) -> int:
    detector, sound = BeepDetector(RATE), np.concatenate(parts)
    return sum(detector.push(sound[start : start + piece]) for start in range(0, len(sound), piece))


@pytest.mark.parametrize("hertz", [440, 700, 1000, 1400, 2000])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("piece", [160, 320, 441])
def test_a_beep_after_a_greeting_is_heard_once(hertz, seconds, piece):
    assert beeps(speech(3), silence(0.4), tone(seconds, hertz), silence(2), piece=piece) == 1


@pytest.mark.parametrize("loudness", [600, 20_000])
def test_it_may_be_soft_or_loud_and_follow_the_greeting_at_once(loudness):
    assert beeps(speech(2), tone(0.4, 1000, loudness=loudness), silence(1)) == 1


@pytest.mark.parametrize(
    "sound",
    [
        [speech(20), silence(2)],
        [silence(5)],
        [tone(4, 700), silence(1)],
        [tone(0.08, 1000), silence(1)],
        [tone(0.5, 697, 1209), silence(1)],
        [tone(0.4, 1000), speech(2), silence(1)],
        [tone(0.4, 200), silence(1)],
        [RANDOM.normal(0, 4000, RATE * 3).astype(np.int16), silence(1)],
    ],
    ids=["speech", "silence", "long tone", "click", "key", "tone in speech", "hum", "noise"],
)
def test_nothing_else_is_a_beep(sound):
    assert beeps(*sound) == 0
