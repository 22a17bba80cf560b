"""G.711 and G.722 as the telephone network uses them: 20 ms frames, RTP clock 8000 (RFC 3551)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from G722 import G722
from numpy.typing import NDArray

from lab.media.g711 import ALAW_DECODE, ALAW_ENCODE, ULAW_DECODE, ULAW_ENCODE

CodecName = Literal["PCMU", "PCMA", "G722"]
Samples = NDArray[np.int16]
FRAME_S = 0.02
STATIC_PAYLOAD_TYPES: dict[CodecName, int] = {"PCMU": 0, "PCMA": 8, "G722": 9}
_BIT_RATE = 64_000
_TABLES = {"PCMU": (ULAW_ENCODE, ULAW_DECODE), "PCMA": (ALAW_ENCODE, ALAW_DECODE)}


class Codec:
    """The codec of one call: one direction of state for what is sent, one for what is received.

    G.722 has such a state, so never share a codec between calls. `sample_rate` is 16000 for G722, else 8000;
    `clock_rate`, that of RTP timestamps, is 8000 for all (RFC 3551 section 4.5.2). Raises ValueError for other names.
    """

    clock_rate = 8000

    def __init__(self, name: str, payload_type: int | None = None) -> None:
        if name not in get_args(CodecName):
            raise ValueError(f"{name} is not spoken here; {', '.join(get_args(CodecName))} are")
        self.name: CodecName = name  # type: ignore[assignment]
        self.payload_type = STATIC_PAYLOAD_TYPES[self.name] if payload_type is None else payload_type
        self.sample_rate = 16000 if name == "G722" else 8000
        self._tables = _TABLES.get(name)
        self._encoder, self._decoder = G722(16000, _BIT_RATE), G722(16000, _BIT_RATE)

    @property
    def frame_samples(self) -> int:
        """Samples in a 20 ms frame."""
        return self.sample_rate // 50

    def encode(self, samples: Samples) -> bytes:
        """Encode samples at `sample_rate`; G.722 takes an even number of them."""
        if self._tables:
            return self._tables[0][samples.view(np.uint16)].tobytes()
        return bytes(self._encoder.encode(samples))

    def decode(self, payload: bytes) -> Samples:
        """Decode one payload to samples at `sample_rate`."""
        if self._tables:
            return self._tables[1][np.frombuffer(payload, np.uint8)]
        return np.frombuffer(self._decoder.decode(payload), np.int16)
