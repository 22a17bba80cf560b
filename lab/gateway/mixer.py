"""The room's voices → one stream of 20 ms frames. As livekit's mixer: a short ring per input, clipping, silence."""

from __future__ import annotations

from collections import deque

import numpy as np

from lab.media.codec import Samples

RING_FRAMES = 5
START_FRAMES = 3
"""An input is heard from its third waiting frame on (60 ms), and again so after it has run dry."""


class Input:
    """One voice. Frames beyond the ring push the oldest out."""

    def __init__(self) -> None:
        self._frames: deque[Samples] = deque(maxlen=RING_FRAMES)
        self._started = False

    def push(self, frame: Samples) -> None:
        """Add 20 ms."""
        self._frames.append(frame)

    def pull(self) -> Samples | None:
        """Take 20 ms; None while there is nothing to hear."""
        if not self._started and len(self._frames) >= START_FRAMES:
            self._started = True
        if not self._started:
            return None
        if not self._frames:
            self._started = False
            return None
        return self._frames.popleft()


class Mixer:
    """All voices of one call. It gives a frame whenever it is asked, so that outgoing RTP never stops."""

    def __init__(self, frame_samples: int) -> None:
        self._silence = np.zeros(frame_samples, np.int16)
        self._inputs: dict[str, Input] = {}

    def add(self, key: str) -> Input:
        """Add a voice, e.g. by its track's id; an old one of the same key is replaced."""
        self._inputs[key] = Input()
        return self._inputs[key]

    def remove(self, key: str) -> None:
        """Remove a voice; nothing happens when it is not there."""
        self._inputs.pop(key, None)

    def mix(self) -> Samples:
        """Return the next 20 ms."""
        frames = [frame for voice in self._inputs.values() if (frame := voice.pull()) is not None]
        if not frames:
            return self._silence
        if len(frames) == 1:
            return frames[0]
        total = np.sum(np.stack(frames).astype(np.int32), axis=0)
        return np.asarray(np.clip(total, -32768, 32767), np.int16)
