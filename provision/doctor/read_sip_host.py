"""The manifest's ``livekit.sip_host`` as this machine sees it: its addresses, and whether they answer OPTIONS."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from provision.doctor.facts import SipHost, Unknown
from provision.doctor.options import ask_options
from provision.doctor.sip_host import split_host
from telephony.sip_uri import SipUriError

RESOLVE_S: Final = 10.0


async def read_sip_host(sip_host: str, *, asks: bool = True) -> SipHost:
    """Look up ``host`` or ``host:port`` and, when `asks`, send one OPTIONS to its first address.

    The carrier may see other addresses than this machine does.
    """
    try:
        host, port = split_host(sip_host)
    except SipUriError:
        return SipHost(addresses=(), failure="it is no host name and no address")
    addresses, failure = await resolve(host, port)
    if not addresses:
        return SipHost(addresses=(), failure=failure)
    if not asks:
        return SipHost(addresses=addresses, answer=Unknown("it was not wanted"))
    return SipHost(addresses=addresses, answer=await ask_options(addresses[0], port))


async def resolve(host: str, port: int) -> tuple[tuple[str, ...], str]:
    """Return a name's addresses, IPv4 first, or none and why."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except TimeoutError:
        return (), f"no name server answered within {RESOLVE_S:g} s"
    except (OSError, UnicodeError) as error:
        return (), (getattr(error, "strerror", None) or "the name cannot be looked up").lower()
    ordered = sorted(found, key=lambda entry: entry[0] is not socket.AF_INET)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in ordered)), ""
