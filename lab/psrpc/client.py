"""Calling a psrpc service."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

import redis.exceptions

from lab.psrpc.bus import Bus
from lab.psrpc.errors import PsrpcError
from lab.psrpc.wire import channel, name_of, new_id, pack, unpack

TIMEOUT_S = 3.0  # psrpc's default, which livekit-sip uses


class PsrpcClient:
    """Calls methods of one service, e.g. `IOInfo`, which livekit-server serves."""

    def __init__(self, bus: Bus, service: str) -> None:
        self._bus, self._service, self._id = bus, service, new_id("CLI_")
        self._waiting: dict[str, asyncio.Queue[Any]] = {}

    async def start(self) -> Self:
        """Subscribe to bids and answers."""
        for kind in ("CLAIM", "RES"):
            await self._bus.subscribe(channel(self._service, self._id, kind), self._on_message)
        return self

    async def call(self, method: str, request: Any, answer: Any, *, timeout_s: float = TIMEOUT_S) -> Any:
        """Return the answer, a message of class `answer`.

        Raises PsrpcError: `unavailable` (nobody listens, or nobody bid), `deadline_exceeded`, or what the server says.
        Redis tells whether anybody listens, so a bid may take as long as the answer: a busy machine loses no call.
        """
        request_id, inbox = new_id("REQ_"), asyncio.Queue[Any]()
        self._waiting[request_id] = inbox
        granted = False
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(method, request_id, request, timeout_s)
                bid = await inbox.get()
                granted = True
                return await self._answer(method, bid, inbox, answer)
        except TimeoutError:
            if not granted:
                raise PsrpcError("unavailable", "no response from servers") from None
            raise PsrpcError("deadline_exceeded", "request timed out") from None
        except redis.exceptions.RedisError as error:
            raise PsrpcError("unavailable", "Redis is away") from error
        finally:
            del self._waiting[request_id]

    async def _send(self, method: str, request_id: str, request: Any, timeout_s: float) -> None:
        now = time.time_ns()
        data = pack(
            "Request",
            request_id=request_id,
            client_id=self._id,
            sent_at=now,
            expiry=now + int(timeout_s * 1e9),
            raw_request=request.SerializeToString(),
        )
        if not await self._bus.publish(channel(self._service, method, "REQ"), data):
            raise PsrpcError("unavailable", "no response from servers")

    async def _answer(self, method: str, bid: Any, inbox: asyncio.Queue[Any], answer: Any) -> Any:
        grant = pack("ClaimResponse", request_id=bid.request_id, server_id=bid.server_id)
        await self._bus.publish(channel(self._service, method, "RCLAIM"), grant)
        while name_of(response := await inbox.get()) != "Response":
            pass  # a later bid
        if response.error:
            raise PsrpcError(response.code or "unknown", response.error, *response.error_details)
        return answer.FromString(response.raw_response)

    def _on_message(self, data: bytes) -> None:
        message = unpack(data)
        if inbox := self._waiting.get(message.request_id):
            inbox.put_nowait(message)
