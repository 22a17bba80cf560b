"""Where to send, and which of our own addresses the other side can reach."""

from __future__ import annotations

import asyncio
import socket

from lab.sip.message import Address
from telephony.errors import UserError, WorldError

DEFAULT_PORT = 5060


async def resolve(text: str) -> Address:
    """Return the IPv4 address of ``host:port`` or ``host``. Raises UserError for a bad port, WorldError without DNS."""
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = text.strip(), str(DEFAULT_PORT)
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"{text!r} is no SIP address; write it like 127.0.0.1:5060")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, int(port), family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise WorldError(f"{host} has no IPv4 address: {error.strerror or error}") from error
    return str(found[0][4][0]), int(port)


def local_address(towards: Address) -> str:
    """Return our address on the way to another one (no packet is sent). Raises WorldError without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(towards)
        except OSError as error:
            raise WorldError(f"no way to {towards[0]}: {error.strerror or error}") from error
        return str(probe.getsockname()[0])
