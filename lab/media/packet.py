"""RTP packets (RFC 3550 section 5.1) and the telephone events in them (RFC 4733 section 2.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VERSION = 2
_VOLUME = 10
DTMF_DIGITS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. `timestamp` counts the payload's RTP clock (8000 for all codecs here)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Read a datagram; None when it is no RTP."""
        if len(data) < _HEADER.size:
            return None
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != _VERSION:
            return None
        payload = data[_HEADER.size :] if not first & 0x3F else _bare_payload(data, first)
        if payload is None:
            return None
        return cls(second & 0x7F, sequence, timestamp, ssrc, payload, second >= 0x80)

    def to_bytes(self) -> bytes:
        """Return the packet as it is on the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(_VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """One report of a key that is held down. `duration` counts the RTP clock since the event's timestamp."""

    digit: str
    duration: int
    end: bool

    @classmethod
    def parse(cls, payload: bytes) -> Self | None:
        """Read a payload; None for what is no digit."""
        if len(payload) < _EVENT.size:
            return None
        event, flags, duration = _EVENT.unpack_from(payload)
        return cls(DTMF_DIGITS[event], duration, flags >= 0x80) if event < len(DTMF_DIGITS) else None

    def to_bytes(self) -> bytes:
        """Return the payload as it is on the wire."""
        return _EVENT.pack(DTMF_DIGITS.index(self.digit), _VOLUME | (0x80 if self.end else 0), self.duration)


def _bare_payload(data: bytes, first: int) -> bytes | None:
    """Leave out contributing sources, extension and padding; None when their lengths do not fit."""
    start, end = _HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= data[-1]
    return data[start:end] if _HEADER.size <= start <= end else None
