"""Packets back in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.media.jitter import JitterBuffer
from lab.media.packet import RtpPacket


def packet(sequence: int, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(0, sequence & 0xFFFF, sequence * 160, ssrc, b"")


def pushed(buffer: JitterBuffer, *sequences: int) -> list[int]:
    """What comes out while these go in."""
    return [out.sequence for sequence in sequences for out in buffer.push(packet(sequence))]


def test_packets_in_order_are_not_delayed() -> None:
    """Each comes out at once, over the wrap of the sequence number too."""
    buffer = JitterBuffer()
    for sequence in range(65530, 65545):
        assert pushed(buffer, sequence) == [sequence & 0xFFFF]
    assert (buffer.lost, buffer.late) == (0, 0)


def test_swapped_packets_come_out_in_order() -> None:
    """The early one waits for the other."""
    assert pushed(JitterBuffer(), 1, 3, 2, 4) == [1, 2, 3, 4]


def test_a_gap_is_given_up_when_enough_packets_wait_behind_it() -> None:
    """Depth 3: the fourth packet behind the gap ends the wait; the missing one is late then."""
    buffer = JitterBuffer(depth=3)
    assert pushed(buffer, 1, 3, 4, 5) == [1]
    assert pushed(buffer, 6) == [3, 4, 5, 6]
    assert pushed(buffer, 2) == []
    assert (buffer.lost, buffer.late) == (1, 1)


def test_duplicates_are_dropped() -> None:
    """Whether the first copy is out or still held."""
    buffer = JitterBuffer()
    assert pushed(buffer, 1, 1, 3, 3, 2) == [1, 2, 3]
    assert buffer.late == 2


def test_a_new_stream_begins_anew() -> None:
    """What was held of the old one comes out first."""
    buffer = JitterBuffer()
    assert pushed(buffer, 1, 3) == [1]
    assert [out.sequence for out in buffer.push(packet(500, ssrc=2))] == [3, 500]


@given(st.permutations(range(8)))
def test_any_order_within_the_depth_is_put_right(order: list[int]) -> None:
    """With room for all of them nothing is lost once the first has come first."""
    buffer = JitterBuffer(depth=10)
    out = pushed(buffer, 0, *(number + 1 for number in order))
    assert out == list(range(9))
    assert buffer.flush() == []
