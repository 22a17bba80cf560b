"""An application behind a number: answer URL, callbacks, and a socket for the sound of calls."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

Form = dict[str, str]


@dataclass(eq=False)
class Socket:
    """One stream, as the application sees it."""

    ws: web.WebSocketResponse
    frames: list[dict[str, Any]] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def stream_id(self) -> str:
        return str(self.frames[0]["start"]["streamId"])

    def events(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["event"] == name]

    async def event(self, name: str, count: int = 1) -> dict[str, Any]:
        """Wait for the n-th event of a name."""
        while len(self.events(name)) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.events(name)[count - 1]

    async def send(self, event: str, **fields: Any) -> None:
        await self.ws.send_json({"event": event, "streamId": self.stream_id} | fields)

    async def play(self, payload: bytes, *, encoding: str = "audio/x-mulaw", rate: int = 8000) -> None:
        media = {"contentType": encoding, "sampleRate": rate, "payload": base64.b64encode(payload).decode()}
        await self.send("playAudio", media=media)

    async def read(self) -> None:
        async for message in self.ws:
            assert message.type is WSMsgType.TEXT
            self.frames.append(json.loads(message.data))
            self._changed.set()
        self.closed.set()


@dataclass(eq=False)
class Application:
    """What it answers by path (status, XML), what it was asked, and the sockets that were opened."""

    url: str = ""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str, str, Form, Form]] = field(default_factory=list)
    sockets: asyncio.Queue[Socket] = field(default_factory=asyncio.Queue)
    thinks_about: str = ""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/socket"

    def says(self, *elements: str, path: str = "/answer", status: int = 200) -> None:
        self.answers[path] = status, f"<Response>{''.join(elements)}</Response>"

    def streams(self, inside: str = "", after: str = "") -> None:
        """Answer with a stream in both directions that outlasts the document."""
        given = f'bidirectional="true" keepCallAlive="true" contentType="audio/x-mulaw;rate=8000" {inside}'
        self.says(f"<Stream {given}>{self.socket_url}</Stream>{after}")

    def forms(self, event: str) -> list[Form]:
        return [form for _, _, form, _ in self.asked if form.get("Event") == event]

    async def form(self, event: str) -> Form:
        """Wait for the first callback with an event's name."""
        while not self.forms(event):
            await asyncio.sleep(0.005)
        return self.forms(event)[0]

    async def answer(self, request: web.Request) -> web.Response:
        form = dict(request.query) | {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.method, request.path, form, dict(request.headers)))
        if request.path == self.thinks_about:
            await self._over.wait()
        status, text = self.answers.get(request.path, (200, ""))
        return web.Response(status=status, text=text, content_type="application/xml")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        socket = Socket(ws)
        await self.sockets.put(socket)
        await socket.read()
        return ws


@asynccontextmanager
async def application() -> AsyncIterator[Application]:
    """Serve one that says nothing yet."""
    it = Application()
    app = web.Application()
    app.router.add_get("/socket", it.socket)
    app.router.add_route("*", "/{path:.*}", it.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1)
        await site.start()
        it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield it
    finally:
        it._over.set()
        await runner.cleanup()
