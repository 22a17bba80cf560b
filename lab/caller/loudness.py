"""What counts as audible on the wire."""

from __future__ import annotations

import numpy as np

from lab.media.codec import Samples

AUDIBLE_DBFS = -45.0
"""RMS of a 20 ms frame. Speech lies at -35 to -15, what codecs make of silence below -60."""
_LEAST_POWER = (32768 * 10 ** (AUDIBLE_DBFS / 20)) ** 2


def is_audible(frame: Samples) -> bool:
    """Say whether a frame is louder than `AUDIBLE_DBFS`."""
    wide = frame.astype(np.float32)
    return float(wide.dot(wide)) > _LEAST_POWER * len(frame)
