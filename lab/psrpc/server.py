"""Serving a psrpc service.

psrpc's queue lock is left out: the grant alone makes a request run once, and a member that does not want a request can
stay silent while another one bids.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import DecodeError

from lab.psrpc.bus import Bus
from lab.psrpc.errors import PsrpcError
from lab.psrpc.wire import channel, new_id, pack, unpack

log = logging.getLogger(__name__)
Handler = Callable[[Any], Awaitable[Any]]
"""Takes a request message, returns the answer message, or raises PsrpcError."""


class PsrpcServer:
    """Serves methods of one service. `willing` says whether to bid at all; a topic narrows a method to one object."""

    def __init__(self, bus: Bus, service: str, *, willing: Callable[[], bool] = lambda: True) -> None:
        self._bus, self._service, self._id, self._willing = bus, service, new_id("SRV_"), willing
        self._grants: dict[str, asyncio.Future[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def register(self, method: str, request_class: Any, handler: Handler, *, topic: str = "") -> None:
        """Serve a method from now on."""

        def on_request(data: bytes) -> None:
            if self._willing():
                task = asyncio.create_task(self._serve(unpack(data), request_class, handler))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        await self._bus.subscribe(channel(self._service, method, topic, "RCLAIM"), self._on_grant)
        await self._bus.subscribe(channel(self._service, method, topic, "REQ"), on_request)

    async def deregister(self, method: str, *, topic: str = "") -> None:
        """Serve it no more; what runs goes on."""
        for kind in ("REQ", "RCLAIM"):
            await self._bus.unsubscribe(channel(self._service, method, topic, kind))

    async def aclose(self) -> None:
        """Cancel what runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, request: Any, request_class: Any, handler: Handler) -> None:
        left_s = request.expiry / 1e9 - time.time()
        try:
            async with asyncio.timeout(max(left_s, 0)):
                if await self._bid(request):
                    await self._respond(request, await self._handle(request, request_class, handler))
        except TimeoutError:
            return  # the caller has gone

    async def _bid(self, request: Any) -> bool:
        grant = self._grants[request.request_id] = asyncio.get_running_loop().create_future()
        try:
            bid = pack("ClaimRequest", request_id=request.request_id, server_id=self._id, affinity=1.0)
            await self._bus.publish(channel(self._service, request.client_id, "CLAIM"), bid)
            return bool(await grant == self._id)
        finally:
            del self._grants[request.request_id]

    async def _handle(self, request: Any, request_class: Any, handler: Handler) -> Any:
        try:
            return await handler(request_class.FromString(request.raw_request))
        except DecodeError:
            return PsrpcError("malformed_request", "the request cannot be read")
        except PsrpcError as error:
            return error
        except Exception as error:
            log.exception("a request failed")
            return PsrpcError("internal", str(error))

    async def _respond(self, request: Any, result: Any) -> None:
        fields: dict[str, Any] = {"request_id": request.request_id, "server_id": self._id, "sent_at": time.time_ns()}
        if isinstance(result, PsrpcError):
            fields |= {"error": result.message, "code": result.code, "error_details": result.packed_details()}
        else:
            fields["raw_response"] = result.SerializeToString()
        await self._bus.publish(channel(self._service, request.client_id, "RES"), pack("Response", **fields))

    def _on_grant(self, data: bytes) -> None:
        message = unpack(data)
        grant = self._grants.get(message.request_id)
        if grant and not grant.done():
            grant.set_result(message.server_id)
