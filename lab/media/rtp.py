"""RTP (RFC 3550) sessions with telephone events (RFC 4733): a socket, a paced sender, statistics."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.dtmf import FRAME_TICKS, DtmfReceiver, DtmfSender
from lab.media.packet import RtpPacket
from lab.media.statistics import Arrivals, Lateness, RtpStats

__all__ = ["Address", "RtpPacket", "RtpSession", "RtpStats"]

logger = logging.getLogger(__name__)
Address = tuple[str, int]
_ANY_RANGE = (32_000, 60_999)
_TRIES = 200


class RtpSession(asyncio.DatagramProtocol):
    """One RTP stream each way on one UDP socket (even port); an async context manager.

    Open it, put `port` into the SDP, `configure` it with what was negotiated, `start` it. Callbacks are called in the
    event loop and must be quick:

    next_frame()            one 20 ms frame of int16 at codec.sample_rate to send now, None for no packet at this tick
    on_packet(packet, at)   an audio packet of the peer (codec payload type), none twice; `at` is when it came
    on_sent(packet, at)     an audio packet of ours that has just left
    on_dtmf(digit)          a telephone event of the peer began: one of 0-9 * # A-D; each event is told once

    Times are time.monotonic. `ports` is the range (first, last) to take an even port from; None takes any. `symmetric`
    sends to where the peer's packets come from. Raises OSError on entry when no port is free.
    """

    def __init__(
        self,
        clock: MediaClock,
        *,
        host: str = "127.0.0.1",
        ports: tuple[int, int] | None = None,
        symmetric: bool = False,
    ) -> None:
        self.next_frame: Callable[[], Samples | None] | None = None
        self.on_packet: Callable[[RtpPacket, float], None] | None = None
        self.on_sent: Callable[[RtpPacket, float], None] | None = None
        self.on_dtmf: Callable[[str], None] | None = None
        self.codec: Codec | None = None
        self.dtmf_payload_type: int | None = None
        self.remote: Address | None = None
        self.port = 0
        self.last_arrival_s: float | None = None
        self.lateness = Lateness()
        self._clock = clock
        self._host = host
        self._ports = ports or _ANY_RANGE
        self._symmetric = symmetric
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence = secrets.randbelow(2**15)
        self._timestamp = secrets.randbelow(2**31)
        self._ssrc = secrets.randbelow(2**32)
        self._sent = 0
        self._foreign = 0
        self._talking = False
        self._arrivals = Arrivals()
        self._digits = DtmfSender()
        self._heard_digits = DtmfReceiver()

    async def __aenter__(self) -> Self:
        first, last = self._ports
        even = range(first + first % 2, last + 1, 2)
        for port in random.sample(even, min(len(even), _TRIES)):
            try:
                self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: self, local_addr=(self._host, port)
                )
            except OSError:
                continue
            self.port = port
            return self
        raise OSError(f"no free even UDP port between {first} and {last} on {self._host}")

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop and close the socket. May be called twice."""
        self.stop()
        if self._transport:
            self._transport.abort()
            self._transport = None
            await asyncio.sleep(0)  # asyncio frees the port in its next round

    def configure(self, codec: Codec, *, remote: Address | None = None, dtmf_payload_type: int | None = None) -> None:
        """Say what was negotiated; may be repeated after a re-INVITE."""
        self.codec, self.remote, self.dtmf_payload_type = codec, remote, dtmf_payload_type

    def set_remote(self, remote: Address | None) -> None:
        """Send there from now on; None sends nothing."""
        self.remote = remote

    def start(self) -> None:
        """Begin to send on the clock."""
        self._clock.remove(self)
        self._clock.add(self)

    def stop(self) -> None:
        """Stop sending; packets are still received. Digits that wait are dropped."""
        self._clock.remove(self)
        self._digits.drop()

    def send_dtmf(self, digit: str, *, ms: int = 160, gap_ms: int = 100) -> None:
        """Queue one of 0-9 * # A-D (RFC 4733). Audio frames of its time are pulled and dropped. Raises ValueError.

        Nothing is sent when the peer did not negotiate telephone events.
        """
        if self.dtmf_payload_type is not None:
            self._digits.add(digit, ms=ms, gap_ms=gap_ms)

    async def dtmf_sent(self) -> None:
        """Return when every queued digit has left."""
        await self._digits.sent()

    @property
    def stats(self) -> RtpStats:
        """Counts so far."""
        return RtpStats(
            sent=self._sent,
            received=self._arrivals.received,
            lost=self._arrivals.lost,
            duplicates=self._arrivals.duplicates,
            reordered=self._arrivals.reordered,
            foreign=self._foreign,
            send_jitter_p50_ms=self.lateness.percentile_ms(50),
            send_jitter_p99_ms=self.lateness.percentile_ms(99),
        )

    def tick(self, due_s: float) -> None:
        """Send what is due now (from the clock)."""
        self._timestamp = (self._timestamp + FRAME_TICKS) & 0xFFFFFFFF
        frame = self.next_frame() if self.next_frame else None
        event = self._digits.next(self._timestamp)
        if event is not None and self.dtmf_payload_type is not None:
            self._talking = False
            self._send(self.dtmf_payload_type, event.event.to_bytes(), event.timestamp, event.first, due_s)
        elif frame is None or self.codec is None:
            self._talking = False
        else:
            starts, self._talking = not self._talking, True
            self._send(self.codec.payload_type, self.codec.encode(frame), self._timestamp, starts, due_s)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one datagram from asyncio."""
        at = time.monotonic()
        packet = RtpPacket.parse(data)
        if packet is None:
            self._foreign += 1
            return
        if not self._arrivals.add(packet.ssrc, packet.sequence):
            return
        self.last_arrival_s = at
        if self._symmetric:
            self.remote = addr
        try:
            self._deliver(packet, at)
        except Exception:
            logger.exception("an RTP packet was lost to an error of ours")

    def error_received(self, exc: Exception) -> None:
        """Ignore ICMP errors: media timeouts decide when a peer is gone."""

    def _deliver(self, packet: RtpPacket, at: float) -> None:
        if self.codec and packet.payload_type == self.codec.payload_type:
            if self.on_packet:
                self.on_packet(packet, at)
        elif packet.payload_type == self.dtmf_payload_type:
            digit = self._heard_digits.receive(packet)
            if digit and self.on_dtmf:
                self.on_dtmf(digit)
        else:
            self._foreign += 1

    def _send(self, payload_type: int, payload: bytes, timestamp: int, marker: bool, due_s: float) -> None:
        if self.remote is None or self._transport is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = RtpPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)
        self._transport.sendto(packet.to_bytes(), self.remote)
        at = time.monotonic()
        self._sent += 1
        self.lateness.add(at - due_s)
        if self.on_sent and payload_type != self.dtmf_payload_type:
            self.on_sent(packet, at)
