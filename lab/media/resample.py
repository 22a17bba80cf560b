"""Sample rate conversion in a live stream: soxr QUICK, which holds back 0.2 ms (better qualities hold back 36-138)."""

from __future__ import annotations

import numpy as np
import soxr

from lab.media.codec import Samples


class Resampler:
    """Stateful conversion of one mono stream; does nothing when the rates are equal."""

    def __init__(self, in_rate: int, out_rate: int) -> None:
        self._stream = None
        if in_rate != out_rate:
            self._stream = soxr.ResampleStream(in_rate, out_rate, 1, dtype="int16", quality="QQ")

    def process(self, samples: Samples, *, last: bool = False) -> Samples:
        """Return what is ready; lengths vary by a few samples from call to call. `last` flushes the rest."""
        if self._stream is None:
            return samples
        out: Samples = np.asarray(self._stream.resample_chunk(samples, last=last), dtype=np.int16)
        return out
