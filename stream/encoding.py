"""How sound stands in the payloads of a stream: µ-law at 8 kHz, or 16 bits at 16 kHz in either byte order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from stream import g711
from stream.g711 import Samples

FRAME_MS: Final = 20


@dataclass(frozen=True, slots=True)
class Encoding:
    """Mono, without a header (D:xml/stream). `pcm` is numpy's name of a 16-bit sample, None for µ-law."""

    sample_rate: int
    pcm: str | None = None

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample."""
        return 2 if self.pcm else 1

    @property
    def ms_bytes(self) -> int:
        """Bytes of a millisecond."""
        return self.sample_rate // 1000 * self.sample_bytes

    def decoded(self, payload: bytes) -> Samples:
        """Return the samples. Half a sample at the end is left out: what comes next must not be read askew."""
        if self.pcm is None:
            return g711.decoded(payload)
        whole = len(payload) // 2
        return np.frombuffer(payload, self.pcm, count=whole).astype(np.int16)

    def encoded(self, samples: Samples) -> bytes:
        """Return the bytes of samples at `sample_rate`."""
        return samples.astype(self.pcm).tobytes() if self.pcm else g711.encoded(samples)


MULAW: Final = Encoding(8000)
L16_LITTLE: Final = Encoding(16_000, "<i2")
L16_BIG: Final = Encoding(16_000, ">i2")
"""Vobiz is said to send big endian and to take little endian; its pages are silent."""
