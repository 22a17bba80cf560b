"""Sockets: who does not begin, is somebody else's, talks nonsense or does not read is closed, and nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSCloseCode

from stream.frames import FRAME_LIMIT
from stream.server import Limits
from stream.socket import SocketLimits
from tests.stream.door import Door, Echo, Wire, door, media_frame, start_frame

SOUND = bytes(range(160))
POLICY = WSCloseCode.POLICY_VIOLATION


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as running:
        yield running


async def connected(at: Door, call_id: str) -> Wire:
    """Open the socket of a call, without its start."""
    return Wire(await at.http.ws_connect(await at.answered(call_id)), call_id)


async def test_who_does_not_begin_is_closed(tmp_path: Path) -> None:
    """The seat stays: the carrier may try again."""
    async with door(tmp_path, limits=Limits(socket=SocketLimits(start_s=0.2))) as at:
        wire = await connected(at, "a")
        assert await wire.closed() == POLICY
        await at.until(sockets=0, waiting=1)
        assert at.health()["refused"] == {"no start": 1}


@pytest.mark.parametrize(
    "start",
    [
        start_frame("b", "s1"),
        start_frame("A", "s1"),
        start_frame("a", "s1", mediaFormat={"encoding": "audio/x-l16", "sampleRate": 16000}),
    ],
)
async def test_a_start_of_another_call_or_format_is_refused(at: Door, start) -> None:
    """The other call is not touched."""
    other = await at.begun("b")
    wire = await connected(at, "a")
    await wire.send(start)
    assert await wire.closed() == POLICY
    await at.until(sockets=1, waiting=1, talking=1)
    await other.echoed(SOUND)
    assert at.health()["refused"] == {"not its call": 1}


async def test_a_recorded_start_opens_nothing(at: Door) -> None:
    """Each stream has a name of its own."""
    first = await at.begun("a")
    again = await connected(at, "a")
    await again.send(start_frame("a", first.stream_id))
    assert await again.closed() == POLICY
    await at.until(sockets=1)
    assert {"talking": 1, "lost": 0}.items() <= at.health().items()
    await first.echoed(SOUND)


async def test_a_socket_without_a_start_does_not_replace_the_one_that_has(at: Door) -> None:
    """Whatever it says."""
    first = await at.begun("a")
    other = await connected(at, "a")
    await other.sound(SOUND)
    await other.key("#")
    await first.echoed(SOUND)
    assert at.conversations[0].events == []


NONSENSE = [
    "",
    "null",
    "[]",
    "{}",
    "{" * 1000,
    b"\xff\xfe",
    json.dumps({"event": "media"}),
    json.dumps({"event": "dtmf", "dtmf": {"digit": "55"}}),
    json.dumps(start_frame("a", "s9")),
    json.dumps(media_frame(b"", "")),
    json.dumps(media_frame(b"xx", "another-stream")),
    json.dumps({"event": "media", "media": {"payload": ""}}),
]


async def test_nonsense_is_counted_and_ignored(at: Door) -> None:
    """The echo goes on."""
    wire = await at.begun("a")
    for frame in NONSENSE:
        await wire.send(frame)
    for frame in ('{"event": "stop"}', '{"event": "somethingNew"}'):
        await wire.send(frame)
    await wire.echoed(SOUND)
    assert at.health()["broken_frames"] == len(NONSENSE)
    assert at.conversations[0].sounds == 2


async def _talk_nonsense(wire: Wire) -> None:
    with contextlib.suppress(ConnectionError):
        while not wire.ws.closed:
            await wire.send("nonsense")
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("begun", [True, False])
async def test_too_much_nonsense_closes_the_socket(tmp_path: Path, begun: bool) -> None:
    """Also before the start; the call lives and waits for the next one."""
    async with door(tmp_path, limits=Limits(socket=SocketLimits(broken_per_s=5))) as at:
        wire = await at.begun("a") if begun else await connected(at, "a")
        talking = asyncio.create_task(_talk_nonsense(wire))
        assert await wire.closed() == POLICY
        await talking
        await at.until(sockets=0, calls=1)
        assert at.health()["broken_frames"] >= 6
        await at.begun("a")


@pytest.mark.parametrize("frame", ["x" * (FRAME_LIMIT + 1), b"x" * (FRAME_LIMIT + 1)])
async def test_a_huge_frame_closes_the_socket(at: Door, frame) -> None:
    """With the code for it."""
    wire = await at.begun("a")
    await wire.send(frame)
    assert await wire.closed() == WSCloseCode.MESSAGE_TOO_BIG
    await at.until(sockets=0, lost=1, failures=0)


async def test_what_is_no_websocket_is_refused(at: Door) -> None:
    """With a token that is right."""
    url = (await at.answered("a")).replace("ws", "http", 1)
    for headers in ({}, {"Upgrade": "websocket", "Connection": "Upgrade"}, {"Upgrade": "h2c", "Connection": "Upgrade"}):
        async with at.http.get(url, headers=headers) as answer:
            assert answer.status == 400
    assert {"sockets": 0, "waiting": 1, "failures": 0}.items() <= at.health().items()


async def test_frames_are_never_compressed(at: Door) -> None:
    """Nobody has to unpack anything."""
    ws = await at.http.ws_connect(await at.answered("a"), compress=15)
    assert ws.compress == 0


class Talkative(Echo):
    """Plays as fast as it may, for ever."""

    played_frames = 0

    async def talk(self) -> None:
        while True:
            await self.line.play(b"\x55" * 8000)
            self.played_frames += 1


async def test_who_does_not_read_is_closed_and_nothing_piles_up(tmp_path: Path) -> None:
    """What waits is bounded, and so is how long."""
    made: list[Talkative] = []

    def make(line) -> Talkative:
        made.append(Talkative(line))
        return made[-1]

    async with door(tmp_path, converse=make, limits=Limits(socket=SocketLimits(write_s=0.3), farewell_s=0.1)) as at:
        path = (await at.answered("a")).partition("//")[2].partition("/")[2]
        host, port = at.url.removeprefix("http://").split(":")
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.connect((host, int(port)))
        head = [f"GET /{path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        head += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]
        raw.sendall("\r\n".join(head).encode() + _masked(json.dumps(start_frame("a", "s1")).encode()))
        await at.until(talking=1)
        await at.until(sockets=0, lost=1)
        assert at.health()["refused"] == {"does not read": 1}
        played = made[0].played_frames
        await asyncio.sleep(0.2)
        assert played <= made[0].played_frames <= played + 60
        assert made[0].played_frames < 2000
        await at.hung_up("a")
        await at.no_connection()
        raw.close()


def _masked(text: bytes) -> bytes:
    """Return a text frame with a mask of zeros."""
    return b"\x81" + bytes([0x80 | 126]) + len(text).to_bytes(2, "big") + bytes(4) + text


async def test_a_closing_server_does_not_wait_for_a_start(at: Door) -> None:
    """Nor do those who have not begun."""
    wire = await connected(at, "a")
    closing = asyncio.create_task(at.server.aclose())
    assert await wire.closed() == WSCloseCode.GOING_AWAY
    await closing


async def test_a_side_that_vanishes_is_noticed(at: Door) -> None:
    """Its connection is reset."""
    wire = await at.begun("a")
    response = wire.ws._response
    assert response.connection is not None
    assert response.connection.transport is not None
    response.connection.transport.abort()
    await at.until(sockets=0, lost=1, failures=0)


async def test_a_side_that_closes_hears_a_close(at: Door) -> None:
    """With every code that it may have."""
    for code in (1000, 1001, 1011, 4000):
        wire = await at.begun(f"call-{code}")
        assert await wire.ws.close(code=code)
    await at.until(sockets=0, lost=4)


async def test_many_sockets_come_and_go(at: Door) -> None:
    """In whatever order."""
    url = await at.answered("a")

    async def once(n: int) -> None:
        wire = Wire(await at.http.ws_connect(url), "a")
        if n % 3:
            await wire.start()
        if n % 2:
            await wire.sound(SOUND)
        if n % 5:
            await wire.ws.close()

    await asyncio.gather(*(once(n) for n in range(40)))
    await at.hung_up("a")
    await at.until(calls=0, conversations=0, sockets=0)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await at.http.ws_connect(url)
