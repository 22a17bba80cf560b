"""µ-law ↔ 16-bit PCM as tables, bit for bit ITU-T G.711 (table 2a; G.191 rounds 16 bits to its 14 as is done here)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
_HIGHEST: Final = 8158
"""Of 14 bits: what is above is coded as this."""
_BIAS: Final = 33


def decoded(codes: bytes) -> Samples:
    """Return the samples of µ-law codes, one per byte."""
    samples: Samples = _DECODE[np.frombuffer(codes, np.uint8)]
    return samples


def encoded(samples: Samples) -> bytes:
    """Return the µ-law codes of samples, one byte each."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def _decode_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = ((2 * (code & 0x0F) + _BIAS) << (code >> 4 & 7)) - _BIAS
    table: Samples = (np.where(code & 0x80, -magnitude, magnitude) << 2).astype(np.int16)
    return table


def _encode_table() -> NDArray[np.uint8]:
    """In the order of the samples' unsigned reading, which indexes it."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(linear), _HIGHEST) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = segment << 4 | (magnitude >> (segment + 1)) & 0x0F
    table: NDArray[np.uint8] = (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)
    return table


_DECODE: Final = _decode_table()
_ENCODE: Final = _encode_table()
