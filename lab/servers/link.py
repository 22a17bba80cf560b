"""The SIP node's connections to livekit-server, passed on, so that a test can slow them down or cut them.

Signalling alone goes through here; sound goes from the node to the server by UDP, beside it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lab.servers.signalling import ClientFrames, asks_for_nothing_again, without_its_sense

_CHUNK = 2**16
_TOKEN = re.compile(rb"(?:access_token=|Authorization: Bearer )[\w-]+\.([\w-]+)", re.IGNORECASE)


@dataclass(eq=False)
class _Passage:
    """One connection. `identity` is the participant's, "" for what is no participant's."""

    identity: str
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter

    def cut(self) -> None:
        self.near.transport.abort()
        self.far.transport.abort()


@dataclass(eq=False)
class Link:
    """`url` is where the SIP node connects to.

    A leg is named by the end of its participant's identity, which for a caller is their number. With `as_livekit_sip` a
    leg whose connection resumes asks for no more than livekit-sip would.
    """

    url: str = ""
    as_livekit_sip: bool = False
    _passages: set[_Passage] = field(default_factory=set)
    _held: dict[str, asyncio.Event] = field(default_factory=dict)
    _away: set[str] = field(default_factory=set)
    _spoiled: set[str] = field(default_factory=set)

    def spoil_negotiation(self, leg: str) -> None:
        """Spoil the next description that a leg sends (its identity may also begin so): it has to join anew.

        The gateway's SDK offers all media itself; livekit-sip answers the server's offers of what it hears.
        """
        self._spoiled.add(leg)

    @property
    def to_be_spoiled(self) -> int:
        """How many of them have not come yet."""
        return len(self._spoiled)

    def hold(self, leg: str) -> None:
        """Let what this leg tells the server wait, until `release`; what it is told comes through."""
        self._held[leg] = asyncio.Event()

    def release(self, leg: str) -> None:
        """Let it through, in order. Does nothing for a leg that is not held."""
        if (held := self._held.pop(leg, None)) is not None:
            held.set()

    def cut(self, leg: str, *, stays_away: bool = False) -> int:
        """End this leg's connections; return how many there were. With `stays_away` none comes back until `restore`."""
        if stays_away:
            self._away.add(leg)
        found = [passage for passage in self._passages if passage.identity.endswith(leg)]
        for passage in found:
            passage.cut()
        return len(found)

    def restore(self, leg: str) -> None:
        """Let a leg that stays away come back."""
        self._away.discard(leg)

    async def carry(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter, host: str, port: int) -> None:
        """Pass one connection on until either side ends it."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await near.readuntil(b"\r\n\r\n")
            identity = _identity(head)
            if any(identity.endswith(leg) for leg in self._away):
                return answer.transport.abort()
            far, far_writer = await asyncio.open_connection(host, port)
            passage = _Passage(identity, answer, far_writer)
            self._passages.add(passage)
            try:
                far_writer.write(head)
                frames = ClientFrames(lambda message: self._edited(message, identity)) if _is_socket(head) else None
                await asyncio.gather(self._upstream(near, far_writer, identity, frames), _downstream(far, answer))
            finally:
                self._passages.discard(passage)
                passage.cut()
        answer.close()
        return None

    def _edited(self, message: bytes, identity: str) -> bytes:
        for leg in self._spoiled:
            is_its_own = identity.endswith(leg) or identity.startswith(leg)
            if is_its_own and (spoiled := without_its_sense(message, "offer" if self.as_livekit_sip else "answer")):
                self._spoiled.discard(leg)
                return spoiled
        return asks_for_nothing_again(message) if self.as_livekit_sip else message

    async def _upstream(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, identity: str, frames: ClientFrames | None
    ) -> None:
        while data := await source.read(_CHUNK):
            for leg, released in list(self._held.items()):
                if identity.endswith(leg):
                    await released.wait()
            sink.write(data if frames is None else frames.push(data))
            await sink.drain()
        sink.close()


async def _downstream(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    sink.close()


def _is_socket(head: bytes) -> bool:
    return b"upgrade: websocket" in head.lower()


def _identity(head: bytes) -> str:
    """Return whose access token a request has."""
    if (found := _TOKEN.search(head)) is None:
        return ""
    claims = found[1] + b"=" * (-len(found[1]) % 4)
    try:
        return str(json.loads(base64.urlsafe_b64decode(claims)).get("sub", ""))
    except (ValueError, binascii.Error):
        return ""


@asynccontextmanager
async def link(url: str, *, as_livekit_sip: bool) -> AsyncIterator[Link]:
    """Serve a link to the livekit-server at `url` (``ws://host:port``) on loopback."""
    to = urlsplit(url)
    assert to.hostname is not None
    assert to.port is not None
    host, port, it = to.hostname, to.port, Link(as_livekit_sip=as_livekit_sip)
    carrying: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(it.carry(reader, writer, host, port))
        carrying.add(task)
        task.add_done_callback(carrying.discard)

    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=_CHUNK)
    it.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield it
    finally:
        server.close()
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
