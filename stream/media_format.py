"""The sound formats of a stream that are spoken here (D:xml/stream). Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

FRAME_MS: Final = 20


class MediaFormat(Enum):
    """One channel without a header: G.711 µ-law at 8000 Hz, or 16-bit linear at 16000 Hz."""

    MULAW_8000 = ("audio/x-mulaw", 8000, 1)
    L16_16000 = ("audio/x-l16", 16000, 2)

    def __init__(self, content_type: str, rate: int, sample_bytes: int) -> None:
        self.content_type = content_type
        """As frames name it, without the rate."""
        self.rate = rate
        """Samples per second."""
        self.sample_bytes = sample_bytes

    @property
    def attribute(self) -> str:
        """The value of ``contentType`` in a ``<Stream>``."""
        return f"{self.content_type};rate={self.rate}"

    @property
    def frame_bytes(self) -> int:
        """Bytes of 20 ms."""
        return self.rate * FRAME_MS // 1000 * self.sample_bytes
