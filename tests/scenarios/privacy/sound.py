"""Packets → whose voice is in each, by the frequencies that each of them speaks in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.caller.tape import VOICE_HZ, Amplitudes

HUMAN_HZ = 1700
"""Far from the agent's voice (220 to 440 Hz) and from the chime (523 and 587 Hz)."""
OVERTONE_HZ = 2300
"""They speak in this, too: a pure tone that a busy machine tears would be the beep of a voicemail."""
HUMAN_LEAST, VOICE_LEAST = 600.0, 900.0
"""Amplitudes; 8000 and 9800 are spoken with. The edges of other tones spread up to 200 into the one and the other."""
EVERYBODY_HZ = (HUMAN_HZ, *VOICE_HZ)


@dataclass(frozen=True, slots=True)
class Voices:
    """When packets came (time.monotonic), and the amplitudes of the human and of the agent in each."""

    at_s: NDArray[np.float64]
    human: NDArray[np.float64]
    agent: NDArray[np.float64]

    def between(self, since_s: float, until_s: float) -> Voices:
        """Return those of a time."""
        then = (self.at_s >= since_s) & (self.at_s < until_s)
        return Voices(self.at_s[then], self.human[then], self.agent[then])

    @property
    def with_human(self) -> int:
        return int((self.human >= HUMAN_LEAST).sum())

    @property
    def with_agent(self) -> int:
        return int((self.agent >= VOICE_LEAST).sum())


def voices(at_s: NDArray[np.float64], found: Amplitudes) -> Voices:
    """Return whose voice is in packets, of which `found` has the amplitudes at `EVERYBODY_HZ`."""
    return Voices(at_s, found[:, 0], found[:, 1:].max(axis=1))
