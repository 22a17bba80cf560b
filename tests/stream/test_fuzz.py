"""Mutated frames, forms and bytes through the listening port, while one call keeps its echo; then nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from stream import socket as stream_socket
from stream.conversation import Line
from stream.frames import FRAME_LIMIT, Frame
from stream.server import BODY_LIMIT, Limits
from stream.socket import SocketLimits
from tests.stream.door import Door, Echo, Errors, Wire, door, form, media_frame, start_frame

ATTACKERS, PER_SOCKET, SEED = 6, 40, 20261129
LIMITS = Limits(
    socket=SocketLimits(broken_per_s=PER_SOCKET, stop_s=0.2), socket_wait_s=1.0, reconnect_wait_s=1.0, farewell_s=1.0
)
LEAVE = aiohttp.ClientWSTimeout(ws_close=0.2)
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**400, "", "x", "\x00", "\ud800", "é" * 50, "x" * 5000, [], {}, [[]],
    {"a": {}}, "NaN", "start", "media", "inbound", "=", "//8A", "-1", "9" * 400, "5", "*", "#", "resp-1",
]  # fmt: skip
WORDS = [b"\x00", b"\xff", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"%00", b"%", b"&", b"=", b"\r\n", b"1e999"]


class Loose(Echo):
    """Drops what it cannot say in time."""

    def sound(self, media) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            super().sound(media)

    def key(self, digit: str) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            super().key(digit)


def mutated_bytes(rnd: random.Random, data: bytes) -> bytes:
    """Return bytes with some of them changed, gone, doubled, or with a word in between."""
    changed = bytearray(data)
    for _ in range(rnd.randint(1, 4)):
        at = rnd.randrange(len(changed) + 1)
        match rnd.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rnd.randrange(8)
            case 1:
                del changed[at : at + rnd.randint(1, 20)]
            case 2:
                changed[at:at] = changed[at : at + rnd.randint(1, 40)]
            case 3:
                changed[at:at] = rnd.choice(WORDS)
            case _:
                changed[at:at] = rnd.randbytes(rnd.randint(1, 8))
    return bytes(changed)


def mutated_value(rnd: random.Random, value: Any) -> Any:
    """Return JSON with one place of it changed, gone or new."""
    if not isinstance(value, dict) or not value or rnd.random() < 0.1:
        return rnd.choice(ODD)
    changed, name = dict(value), rnd.choice(list(value))
    match rnd.randrange(4):
        case 0:
            del changed[name]
        case 1:
            changed[rnd.choice([*value, "event", "extra"])] = rnd.choice(ODD)
        case _:
            changed[name] = mutated_value(rnd, changed[name])
    return changed


def frame(rnd: random.Random, wire: Wire) -> str | bytes:
    """Return a frame that is nearly one of the carrier's."""
    right = rnd.choice(
        [
            start_frame(wire.call_id, wire.stream_id),
            media_frame(rnd.randbytes(rnd.choice([0, 1, 160, 320])), wire.stream_id),
            media_frame(rnd.randbytes(160), wire.stream_id),
            {"event": "dtmf", "dtmf": {"digit": rnd.choice("0123456789*")}},
            {"event": "playedStream", "name": "resp-1"},
            {"event": "clearedAudio", "streamId": wire.stream_id},
            {"event": "stop"},
        ]
    )
    chance = rnd.random()
    if chance < 0.5:
        return json.dumps(mutated_value(rnd, right))
    if chance < 0.501:
        return "[" * rnd.choice([FRAME_LIMIT - 1, FRAME_LIMIT + 1])
    changed = mutated_bytes(rnd, json.dumps(right).encode())
    if chance < 0.75:
        return changed
    return changed.decode("utf-8", "replace") if chance < 0.999 else b"x" * (FRAME_LIMIT * 3)


def body(rnd: random.Random) -> bytes:
    """Return a form that is nearly one of the carrier's."""
    event = rnd.choice(["StartApp", "StartApp", "Hangup", "Ring", "DroppedStream"])
    right = form(str(uuid.UUID(int=rnd.getrandbits(128))), event, StreamID="s", Name="n", Duration="1", Error="e")
    chance = rnd.random()
    if chance < 0.4:
        odd = mutated_value(rnd, right)
        return urlencode(odd if isinstance(odd, dict) else {"CallUUID": odd}, errors="replace").encode()
    if chance < 0.41:
        return b"x" * rnd.choice([BODY_LIMIT, BODY_LIMIT + 1])
    return mutated_bytes(rnd, urlencode(right).encode())


class Fuzz:
    """What was done. `frames` are those that the server has read, `forms` those that it has answered."""

    def __init__(self, at: Door, wanted: int) -> None:
        self.at, self.wanted = at, wanted
        self.frames = 0
        self.sockets = 0
        self.statuses: Counter[int] = Counter()
        self.heads = 0
        self.echoes = 0

    @property
    def done(self) -> int:
        return self.frames + self.statuses.total()

    async def attack(self, rnd: random.Random) -> None:
        """Be a carrier that has lost its mind."""
        while self.done < self.wanted:
            call_id = str(uuid.UUID(int=rnd.getrandbits(128)))
            document = await self.at.document("answer", call_id)
            if document[0].name == "Stream":
                for _ in range(rnd.randint(1, 4)):
                    await self.talk_nonsense(rnd, document[0].text, call_id)
            for _ in range(rnd.randint(1, 40)):
                name = rnd.choice(["answer", "hangup", "after", "status"])
                status, _answer = await self.at.ask(name, body(rnd))
                self.statuses[status] += 1
            await self.talk_no_http(rnd)
            if rnd.random() < 0.5:
                await self.at.hung_up(call_id)

    async def talk_nonsense(self, rnd: random.Random, url: str, call_id: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            wire = Wire(await self.at.http.ws_connect(url, timeout=LEAVE), call_id)
            self.sockets += 1
            reading = asyncio.create_task(_read(wire))
            try:
                if rnd.random() < 0.9:
                    await wire.start()
                for _ in range(rnd.choice([PER_SOCKET - 1, PER_SOCKET - 1, PER_SOCKET * 3])):
                    await wire.send(frame(rnd, wire))
                if rnd.random() < 0.1:
                    await wire.ws.ping(rnd.randbytes(100))
            finally:
                if rnd.random() < 0.5:
                    await wire.ws.close()
                connection = wire.ws._response.connection
                if connection is not None and connection.transport is not None:
                    connection.transport.abort()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                await wire.ws.close()

    async def talk_no_http(self, rnd: random.Random) -> None:
        """Send bytes that are nearly a request."""
        host, port = self.at.url.removeprefix("http://").split(":")
        head = f"GET /vobiz/socket/x HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        reader, writer = await asyncio.open_connection(host, int(port))
        with contextlib.suppress(ConnectionError):
            writer.write(mutated_bytes(rnd, head.encode()))
            await writer.drain()
            writer.write_eof()
            await reader.read(100)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.heads += 1

    async def echo(self, wire: Wire, is_over: Callable[[], bool]) -> None:
        """Keep the control call talking."""
        while not is_over():
            await wire.echoed(self.echoes.to_bytes(4, "big") * 40)
            self.echoes += 1
            await asyncio.sleep(0.02)


async def _read(wire: Wire) -> None:
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        async for _ in wire.ws:
            pass


async def fuzzed(tmp_path: Path, wanted: int, monkeypatch: pytest.MonkeyPatch) -> Fuzz:
    errors, logger = Errors(), logging.getLogger()
    logger.addHandler(errors)
    # The log of a hundred thousand refusals would be kept by pytest.
    monkeypatch.setattr(logging.getLogger("dialroom.stream"), "level", logging.ERROR)
    made: list[Loose] = []

    def loose(line: Line) -> Loose:
        made.append(Loose(line))
        return made[-1]

    try:
        async with door(tmp_path, signed=False, converse=loose, limits=LIMITS, MAX_CALLS="40") as at:
            fuzz = Fuzz(at, wanted)
            parse = stream_socket.parse_frame

            def counted(text: str | bytes) -> Frame | None:
                fuzz.frames += 1
                return parse(text)

            control = await at.begun("control")
            monkeypatch.setattr(stream_socket, "parse_frame", counted)
            rnds = [random.Random(SEED + n) for n in range(ATTACKERS)]
            attacks = asyncio.gather(*(fuzz.attack(rnd) for rnd in rnds))
            echo = asyncio.create_task(fuzz.echo(control, lambda: attacks.done()))
            await attacks
            await echo
            await at.until(calls=1, conversations=1, sockets=1, failures=0)
            assert made[0].events == []
            await control.echoed(b"\x10" * 160)
            await at.hung_up("control")
            assert await control.closed() == 1000
            await at.until(calls=0, conversations=0, sockets=0, free=40)
            await at.no_connection()
    finally:
        logger.removeHandler(errors)
    assert [(record.name, record.getMessage()) for record in errors.records] == []
    assert fuzz.statuses.keys() <= {200, 400, 413}
    assert fuzz.statuses[400] > 0 < fuzz.statuses[200]
    assert fuzz.done >= wanted
    assert fuzz.frames > wanted // 2
    assert fuzz.echoes > 0
    return fuzz


async def test_a_sample_of_nonsense_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    """Some two thousand frames and forms."""
    await fuzzed(tmp_path, 2_000, monkeypatch)


@pytest.mark.full
@pytest.mark.timeout(3600)
async def test_a_lot_of_nonsense_leaves_nothing_behind(tmp_path: Path, monkeypatch, capsys) -> None:
    """A hundred thousand; the figures are printed."""
    fuzz = await fuzzed(tmp_path, 100_000, monkeypatch)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{fuzz.frames} frames in {fuzz.sockets} sockets, {fuzz.statuses.total()} forms "
            f"({dict(sorted(fuzz.statuses.items()))}), {fuzz.heads} broken requests; {fuzz.echoes} echoes\n"
        )
