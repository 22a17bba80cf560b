"""The UDP socket, with faults and a tap between it and everything else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from lab.sip.faults import Datagram, Direction, Faults
from lab.sip.message import Address

logger = logging.getLogger(__name__)
Tap = Callable[[Direction, bytes, Address, float], None]
_KEEP_ALIVE_BYTES = 4
"""RFC 5626 section 3.5.1: CRLF CRLF; nothing shorter can be SIP."""


class Transport(asyncio.DatagramProtocol):
    """Sends and receives datagrams. `on_datagram` may raise: the datagram is lost, the socket lives."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.on_datagram: Callable[[bytes, Address], None] | None = None
        self.tap: Tap | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._delayed: set[asyncio.TimerHandle] = set()

    async def open(self, host: str, port: int) -> Address:
        """Bind and return the address. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        bound = self._transport.get_extra_info("sockname")
        return bound[0], bound[1]

    def close(self) -> None:
        """Close the socket; what was delayed is lost."""
        for handle in self._delayed:
            handle.cancel()
        self._delayed.clear()
        if self._transport:
            self._transport.abort()
            self._transport = None

    def send(self, data: bytes, address: Address) -> None:
        """Send through the faults."""
        for delay_s, changed in self.faults.apply(Datagram("out", data, address)):
            self._after(delay_s, partial(self.send_raw, changed, address))

    def send_raw(self, data: bytes, address: Address) -> None:
        """Send as it is; nothing happens when the socket is closed."""
        if self._transport is None:
            return
        if self.tap:
            self.tap("out", data, address, time.monotonic())
        self._transport.sendto(data, address)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one datagram from asyncio."""
        for delay_s, changed in self.faults.apply(Datagram("in", data, addr)):
            self._after(delay_s, partial(self._deliver, changed, addr))

    def error_received(self, exc: Exception) -> None:
        """Ignore ICMP errors: the timers decide when a peer is gone."""

    def _deliver(self, data: bytes, source: Address) -> None:
        if self.tap:
            self.tap("in", data, source, time.monotonic())
        if self.on_datagram is None or len(data.strip()) < _KEEP_ALIVE_BYTES:
            return
        try:
            self.on_datagram(data, source)
        except Exception:
            logger.exception("a SIP datagram was lost to an error of ours")

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        if delay_s <= 0:
            action()
            return

        def fire() -> None:
            self._delayed.discard(handle)
            action()

        handle = asyncio.get_running_loop().call_later(delay_s, fire)
        self._delayed.add(handle)
