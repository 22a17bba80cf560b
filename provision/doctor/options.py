"""An OPTIONS request over UDP and what comes back (RFC 3261 section 11): the smallest sign of life of a SIP server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from typing import Final

from provision.doctor.facts import SipAnswer

TIMEOUT_S: Final = 2.0
_AGAIN_AFTER_S: Final = (0.5, 1.0)
"""RFC 3261 section 17.1.2.2, timer E: after T1, then twice that."""
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: |\r|\n)")


def options_request(*, host: str, port: int, local: tuple[str, int], call_id: str) -> bytes:
    """Return the request; hosts are addresses or names without brackets."""
    here = _bracketed(local[0])
    target = f"sip:{_bracketed(host)}:{port}"
    lines = (
        f"OPTIONS {target} SIP/2.0",
        f"Via: SIP/2.0/UDP {here}:{local[1]};branch=z9hG4bK{secrets.token_hex(10)};rport",
        "Max-Forwards: 70",
        f"From: <sip:dialroom@{here}>;tag={secrets.token_hex(8)}",
        f"To: <{target}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS",
        "Accept: application/sdp",
        "User-Agent: dialroom",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_status(data: bytes, *, call_id: str) -> int | None:
    """Return the status of a response to our request, None for anything else."""
    match = _STATUS.match(data)
    return int(match[1]) if match and call_id.encode() in data else None


async def ask_options(address: str, port: int, *, timeout_s: float = TIMEOUT_S) -> SipAnswer:
    """Send OPTIONS to an IP address and wait for a response. Nothing is raised."""
    loop = asyncio.get_running_loop()
    call_id = f"{secrets.token_hex(12)}@dialroom"
    try:
        transport, socket = await loop.create_datagram_endpoint(
            lambda: _Socket(call_id, loop.create_future()), remote_addr=(address, port)
        )
    except OSError:
        return SipAnswer(address=address)
    try:
        local = transport.get_extra_info("sockname")
        data = options_request(host=address, port=port, local=(local[0], local[1]), call_id=call_id)
        async with asyncio.timeout(timeout_s):
            status = await _exchange(transport, socket.heard, data)
        return SipAnswer(address=address, status=status, is_refused=status is None)
    except TimeoutError:
        return SipAnswer(address=address)
    finally:
        transport.close()


class _Socket(asyncio.DatagramProtocol):
    """Fills `heard` with the first status, or with None when the host says that nobody listens (ICMP)."""

    def __init__(self, call_id: str, heard: asyncio.Future[int | None]) -> None:
        self.heard = heard
        self._call_id = call_id

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002  (asyncio's signature)
        self._hear(read_status(data, call_id=self._call_id), is_final=False)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, ConnectionRefusedError):
            self._hear(None, is_final=True)

    def _hear(self, status: int | None, *, is_final: bool) -> None:
        if (status is not None or is_final) and not self.heard.done():
            self.heard.set_result(status)


async def _exchange(transport: asyncio.DatagramTransport, heard: asyncio.Future[int | None], data: bytes) -> int | None:
    transport.sendto(data)
    for wait_s in _AGAIN_AFTER_S:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(heard)
        transport.sendto(data)
    return await heard


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
