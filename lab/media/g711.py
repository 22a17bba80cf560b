"""G.711 as tables, bit for bit the ITU-T G.191 reference (which `audioop` follows too)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ULAW_CLIP, _ULAW_BIAS = 8158, 33
"""G.711 table 2a in 14 bits: the highest magnitude is 8191."""


def _ulaw_encode() -> NDArray[np.uint8]:
    linear = _every_sample() >> 2
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    exponent = _top_bit(magnitude) - 5
    mantissa = (magnitude >> (exponent + 1)) & 0x0F
    sign = np.where(linear < 0, 0x7F, 0xFF)
    table: NDArray[np.uint8] = (((exponent << 4) | mantissa) ^ sign).astype(np.uint8)
    return table


def _ulaw_decode() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84
    table: NDArray[np.int16] = np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
    return table


def _alaw_encode() -> NDArray[np.uint8]:
    linear = _every_sample() >> 3
    magnitude = np.where(linear < 0, -linear - 1, linear)
    exponent = np.maximum(_top_bit(magnitude) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    sign = np.where(linear < 0, 0x55, 0xD5)
    table: NDArray[np.uint8] = (((exponent << 4) | mantissa) ^ sign).astype(np.uint8)
    return table


def _alaw_decode() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code >> 4) & 0x07
    base = ((code & 0x0F) << 4) + np.where(exponent == 0, 8, 0x108)
    magnitude = base << np.maximum(exponent - 1, 0)
    table: NDArray[np.int16] = np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
    return table


def _every_sample() -> NDArray[np.int32]:
    """All 65,536 samples in the order of their unsigned reading, which indexes the tables."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _top_bit(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32)


ULAW_ENCODE = _ulaw_encode()
ULAW_DECODE = _ulaw_decode()
ALAW_ENCODE = _alaw_encode()
ALAW_DECODE = _alaw_decode()
