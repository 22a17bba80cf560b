"""RTP packets and telephone events on the wire."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.media.packet import DTMF_DIGITS, RtpPacket, TelephoneEvent

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
)


@given(PACKETS)
def test_a_packet_is_read_as_it_was_written(packet: RtpPacket) -> None:
    """Every field survives."""
    assert RtpPacket.parse(packet.to_bytes()) == packet


@given(st.binary(max_size=64))
def test_any_datagram_is_a_packet_or_nothing(data: bytes) -> None:
    """Reading never raises."""
    packet = RtpPacket.parse(data)
    assert packet is None or len(packet.payload) <= len(data) - 12


def test_contributors_extension_and_padding_are_left_out() -> None:
    """RFC 3550 sections 5.1 and 5.3.1."""
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 0, 1, 2, 3)
    data = header + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"sound" + b"\x00\x00\x03"
    packet = RtpPacket.parse(data)
    assert packet is not None
    assert packet.payload == b"sound"
    assert RtpPacket.parse(header) is None
    assert RtpPacket.parse(header[:11]) is None


@pytest.mark.parametrize("digit", DTMF_DIGITS)
def test_an_event_is_read_as_it_was_written(digit: str) -> None:
    """All sixteen keys."""
    event = TelephoneEvent(digit, 1280, end=True)
    assert TelephoneEvent.parse(event.to_bytes()) == event


def test_events_that_are_no_digits_are_nothing() -> None:
    """Flash (16) and short payloads."""
    assert TelephoneEvent.parse(bytes([16, 10, 0, 160])) is None
    assert TelephoneEvent.parse(b"\x01") is None
