"""The stream server on a real port, whoever talks in it, and the carrier's side of webhooks and sockets by hand."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from lab.vobiz.calls.callbacks import signatures
from lab.vobiz.calls.voice_xml import Element, parse_document
from stream.conversation import Converse, End, Line
from stream.errors import CallOverError
from stream.frames import Media
from stream.seen import open_seen
from stream.server import Limits, StreamServer
from stream.settings import StreamSettings
from stream.socket import SocketLimits

AUTH_TOKEN, SECRET = "account-token", "a secret of the deployment, long enough"
CALLER, NUMBER = "+919812345678", "+918071000001"
QUICK = Limits(
    socket=SocketLimits(start_s=5, write_s=5, stop_s=2), socket_wait_s=60, reconnect_wait_s=60, farewell_s=2, body_s=2
)
"""Long enough for a busy machine; tests that wait for a limit set it."""
WAIT_S = 60.0


class Echo:
    """Says back what it hears. Keys: ``*`` clears, ``#`` stops, any other asks for a checkpoint ``key-…``."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.sounds = 0
        self.events: list[str] = []
        self.end: End | None = None
        self._to_say: asyncio.Queue[bytes | str] = asyncio.Queue(1000)

    def sound(self, media: Media) -> None:
        self.sounds += 1
        self._to_say.put_nowait(media.payload)

    def key(self, digit: str) -> None:
        self.events.append(f"key {digit}")
        if digit == "*":
            self.line.clear()
        elif digit == "#":
            self.line.stop()
        else:
            self._to_say.put_nowait(f"key-{digit}")

    def played(self, name: str) -> None:
        self.events.append(f"played {name}")

    def cleared(self) -> None:
        self.events.append("cleared")

    def lost(self) -> None:
        self.events.append("lost")

    async def talk(self) -> None:
        saying = asyncio.create_task(self._say())
        try:
            self.end = await self.line.wait_ended()
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)

    async def _say(self) -> None:
        while True:
            what = await self._to_say.get()
            try:
                await (self.line.checkpoint(what) if isinstance(what, str) else self.line.play(what))
            except CallOverError:
                return


def form(call_id: str, event: str = "StartApp", **more: str) -> dict[str, str]:
    """Return a webhook's form as the carrier sends it."""
    base = {"CallUUID": call_id, "From": CALLER, "To": NUMBER, "Direction": "inbound", "Event": event}
    return base | more


def start_frame(call_id: str, stream_id: str, **more: Any) -> dict[str, Any]:
    told = {"encoding": "audio/x-mulaw", "sampleRate": 8000}
    return {"event": "start", "start": {"callId": call_id, "streamId": stream_id, "mediaFormat": told} | more}


def media_frame(payload: bytes, stream_id: str) -> dict[str, Any]:
    media = {"track": "inbound", "chunk": 1, "timestamp": "1", "payload": base64.b64encode(payload).decode()}
    return {"event": "media", "streamId": stream_id, "media": media}


@dataclass
class Wire:
    """The carrier's end of one socket."""

    ws: aiohttp.ClientWebSocketResponse
    call_id: str
    stream_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    async def start(self, **more: Any) -> None:
        await self.send(start_frame(self.call_id, self.stream_id, **more))

    async def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        if isinstance(frame, bytes):
            await self.ws.send_bytes(frame)
        else:
            await self.ws.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def sound(self, payload: bytes) -> None:
        await self.send(media_frame(payload, self.stream_id))

    async def key(self, digit: str) -> None:
        await self.send({"event": "dtmf", "dtmf": {"digit": digit}})

    async def get(self) -> dict[str, Any]:
        """Return the next frame; every one must name the stream."""
        async with asyncio.timeout(WAIT_S):
            frame = await self.ws.receive_json()
        assert frame.pop("streamId") == self.stream_id
        return dict(frame)

    async def echoed(self, payload: bytes) -> None:
        """Say something and hear it back."""
        await self.sound(payload)
        assert base64.b64decode((await self.get())["media"]["payload"]) == payload

    async def closed(self) -> int | None:
        """Read until it is closed; return the code."""
        async with asyncio.timeout(WAIT_S):
            while not (await self.ws.receive()).type.name.startswith("CLOS"):
                pass
        return self.ws.close_code


@dataclass
class Door:
    """A running server and its carrier. `conversations` are those that were made, in order.

    `url` is where it listens; its public address may be another one.
    """

    server: StreamServer
    url: str
    public_url: str
    http: aiohttp.ClientSession
    conversations: list[Echo]
    signed: bool

    async def ask(
        self, name: str, fields: Mapping[str, str] | bytes, *, headers: Mapping[str, str] | None = None, url: str = ""
    ) -> tuple[int, bytes]:
        """Post a form; signed and to the right path, unless told otherwise."""
        url = url or f"{self.server.server_url}/vobiz/{name}".replace(self.public_url, self.url)
        if headers is None:
            headers = signatures(url.replace(self.url, self.public_url), AUTH_TOKEN) if self.signed else {}
        if isinstance(fields, bytes):
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self.http.post(url, data=fields, headers=headers) as answer:
            return answer.status, await answer.read()

    async def document(self, name: str, call_id: str, **more: str) -> list[Element]:
        status, body = await self.ask(name, form(call_id, **more))
        assert status == 200
        return parse_document(body)

    async def answered(self, call_id: str) -> str:
        """Ask for a call's document; return where its socket is."""
        stream, _redirect = await self.document("answer", call_id)
        assert stream.name == "Stream"
        return stream.text

    async def hung_up(self, call_id: str, **more: str) -> None:
        assert (await self.ask("hangup", form(call_id, "Hangup", **more)))[0] == 200

    async def open(self, socket_url: str, call_id: str) -> Wire:
        """Open a socket and begin its stream."""
        wire = Wire(await self.http.ws_connect(socket_url), call_id)
        await wire.start()
        return wire

    async def begun(self, call_id: str) -> Wire:
        """Begin a call; return its socket when its conversation has begun."""
        wire = await self.open(await self.answered(call_id), call_id)
        await wire.echoed(b"\x01" * 160)
        return wire

    def health(self) -> dict[str, Any]:
        return self.server.health()

    async def until(self, **counts: int) -> None:
        """Wait until the server tells these counts."""
        await until(lambda: counts.items() <= self.server.health().items())

    async def no_connection(self) -> None:
        """Close the carrier's own connections and wait until the server has none."""
        await self.http.close()
        server = self.server._runner.server
        assert server is not None
        await until(lambda: not server.connections)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def door(
    tmp_path: Path,
    *,
    converse: Converse | None = None,
    signed: bool = True,
    limits: Limits = QUICK,
    auth_token: str = AUTH_TOKEN,
    public_url: str = "",
    carrier_cidrs: str = "",
    **environ: str,
) -> AsyncIterator[Door]:
    """Serve; at the end nothing may be left: no call, no conversation, no socket, no task, and no failure.

    `environ` are further variables of the environment without their DIALROOM_STREAM_.
    """
    before = asyncio.all_tasks()
    conversations: list[Echo] = []

    def echo(line: Line) -> Echo:
        conversations.append(Echo(line))
        return conversations[-1]

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    public_url = public_url or url
    given = {
        "DIALROOM_STREAM_URL": public_url,
        "DIALROOM_STREAM_SECRET": SECRET,
        "DIALROOM_CARRIER_CIDRS": carrier_cidrs,
    }
    if signed:
        given |= {"DIALROOM_STREAM_SIGNED": "true", "VOBIZ_AUTH_TOKEN": auth_token}
    settings = StreamSettings.from_environ(given | {f"DIALROOM_STREAM_{key}": text for key, text in environ.items()})
    async with open_seen(tmp_path / "seen.db") as seen:
        server = StreamServer(settings, converse or echo, seen, limits=limits)
        await server.start(listener)
        try:
            async with aiohttp.ClientSession() as http:
                yield Door(server, url, public_url, http, conversations, signed)
        finally:
            await server.aclose()
        await server.aclose()
    told = server.health()
    assert [told[key] for key in ("calls", "conversations", "sockets", "failures")] == [0, 0, 0, 0]
    await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()})


class Errors(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
