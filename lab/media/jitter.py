"""Packets back in order, without delay while they come in order."""

from __future__ import annotations

from lab.media.packet import RtpPacket

_HALF = 0x8000


class JitterBuffer:
    """Releases packets in the order of their sequence numbers.

    A packet that is next in order is released at once. After a gap, later packets are held until the missing one comes
    or `depth` packets wait behind it; then the gap is given up and counted in `lost`. Duplicates and packets that come
    after they were given up are dropped and counted in `late`. A new SSRC begins anew.
    """

    def __init__(self, *, depth: int = 3) -> None:
        self.depth = depth
        self.lost = 0
        self.late = 0
        self._ssrc: int | None = None
        self._next = 0
        self._held: dict[int, RtpPacket] = {}

    def push(self, packet: RtpPacket) -> list[RtpPacket]:
        """Take a packet; return those that are now in order, oldest first."""
        before: list[RtpPacket] = []
        if packet.ssrc != self._ssrc:
            before = self.flush()
            self._ssrc, self._next = packet.ssrc, packet.sequence
        if self._distance(packet.sequence) < 0 or packet.sequence in self._held:
            self.late += 1
            return before
        self._held[packet.sequence] = packet
        released = self._in_order()
        if len(self._held) > self.depth:
            first = min(self._held, key=self._distance)
            self.lost += self._distance(first)
            self._next = first
            released += self._in_order()
        return before + released

    def flush(self) -> list[RtpPacket]:
        """Return what is still held, oldest first, and start anew."""
        rest = [self._held[sequence] for sequence in sorted(self._held, key=self._distance)]
        self._held.clear()
        self._ssrc = None
        return rest

    def _in_order(self) -> list[RtpPacket]:
        released: list[RtpPacket] = []
        while packet := self._held.pop(self._next, None):
            released.append(packet)
            self._next = (self._next + 1) & 0xFFFF
        return released

    def _distance(self, sequence: int) -> int:
        """How far ahead of the next one a sequence number is; negative when it is behind."""
        return ((sequence - self._next + _HALF) & 0xFFFF) - _HALF
