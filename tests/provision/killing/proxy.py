"""A proxy before both servers: it counts requests, and at one of them kills who asked, or loses the answer."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web
from yarl import URL

Place = Literal["before", "after", "answered"]
"""Killed before the request is sent on, after the server has done it, or when the answer has left for the client."""
Loss = Literal["cut before", "cut after", "500 before", "500 after"]
"""The connection is cut or a 500 is told, before or after the server has done it."""
_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}
_READS = ("List", "GET")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the request number `at`, counted from 0; `writes` counts writes alone."""

    at: int
    what: Place | Loss
    writes: bool = False


@dataclass(kw_only=True)
class Proxy:
    """Both servers behind two ports. `victim` is the process that is killed; `asked` names every request."""

    carrier: str = ""
    livekit: str = ""
    carrier_url: str = ""
    livekit_url: str = ""
    fault: Fault | None = None
    victim: asyncio.Future[int] | None = None
    asked: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def begin(self, fault: Fault | None) -> None:
        """Count from 0 again."""
        self.fault, self.asked, self.written = fault, [], []
        self.victim = asyncio.get_running_loop().create_future()

    async def pass_on(self, request: web.Request, target: str, http: aiohttp.ClientSession) -> web.StreamResponse:
        """Answer one request as its server does, unless it is the one."""
        name = f"{request.method} {request.path}"
        is_write = not any(word in name for word in _READS)
        fault = self._fault(is_write)
        self.asked.append(name)
        if is_write:
            self.written.append(name)
        if fault and "before" in fault:
            return await self._lost(fault, request)
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        url = URL(target + request.raw_path, encoded=True)
        async with http.request(request.method, url, headers=headers, data=await request.read()) as got:
            body = await got.read()
        if fault and "after" in fault:
            return await self._lost(fault, request)
        kept = {key: value for key, value in got.headers.items() if key.lower() not in _HOP}
        answer = web.Response(status=got.status, headers=kept, body=body)
        if fault == "answered":
            await answer.prepare(request)
            await answer.write_eof()
            await self._kill()
        return answer

    def _fault(self, is_write: bool) -> str | None:
        if self.fault is None or (self.fault.writes and not is_write):
            return None
        count = len(self.written) if self.fault.writes else len(self.asked)
        return self.fault.what if count == self.fault.at else None

    async def _lost(self, fault: str, request: web.Request) -> web.StreamResponse:
        if fault in ("before", "after"):
            await self._kill()
        if fault.startswith("500"):
            return web.Response(status=500, text="upstream error")
        assert request.transport
        request.transport.abort()
        raise ConnectionResetError

    async def _kill(self) -> None:
        assert self.victim is not None
        os.kill(await self.victim, signal.SIGKILL)


@asynccontextmanager
async def proxy() -> AsyncIterator[Proxy]:
    """Serve a proxy; where it leads to is set by the test."""
    made = Proxy()
    runners: list[web.AppRunner] = []
    async with aiohttp.ClientSession(auto_decompress=True) as http:
        try:
            runners += [await _served(made, side, http) for side in ("carrier", "livekit")]
            yield made
        finally:
            for runner in runners:
                await runner.cleanup()


async def _served(made: Proxy, side: str, http: aiohttp.ClientSession) -> web.AppRunner:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await made.pass_on(request, getattr(made, side), http)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1).start()
    setattr(made, f"{side}_url", f"http://127.0.0.1:{runner.addresses[0][1]}")
    return runner
