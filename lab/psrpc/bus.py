"""One Redis connection for subscriptions, one for publishing; channel → callback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import redis.asyncio
import redis.exceptions

log = logging.getLogger(__name__)
OnMessage = Callable[[bytes], None]
_POLL_S = 5.0  # with a limit, redis-py runs its health check between messages; without one it never does
_RETRY_S = 0.2


class Bus:
    """Publishes and subscribes; an async context manager. After a loss of Redis it subscribes again by itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        alive: dict[str, Any] = {"health_check_interval": 10, "socket_keepalive": True}
        self._listener = redis.asyncio.from_url(url, **alive)
        # One connection in turn: a pool would open one for each message of a burst, and refuse beyond its limit.
        self._publisher = redis.asyncio.from_url(url, single_connection_client=True, **alive)
        self._turn = asyncio.Lock()
        self._pubsub = self._listener.pubsub()
        self._callbacks: dict[str, OnMessage] = {}
        self._confirmed: dict[str, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._publisher.ping()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed = True
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        with contextlib.suppress(redis.exceptions.RedisError):
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]
            await self._listener.aclose()
            await self._publisher.aclose()

    async def subscribe(self, channel: str, callback: OnMessage) -> None:
        """Call `callback` with each message of a channel; returns when Redis has confirmed."""
        self._callbacks[channel] = callback
        confirmed = self._confirmed[channel] = asyncio.get_running_loop().create_future()
        await self._pubsub.subscribe(channel)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="psrpc bus")
        await confirmed

    async def unsubscribe(self, channel: str) -> None:
        """Stop listening on a channel."""
        self._callbacks.pop(channel, None)
        await self._pubsub.unsubscribe(channel)

    async def publish(self, channel: str, data: bytes) -> int:
        """Publish; return how many listen. A connection that a Redis restart left stale is opened once more."""
        async with self._turn:
            try:
                return int(await self._publisher.publish(channel, data))
            except redis.exceptions.ConnectionError:
                return int(await self._publisher.publish(channel, data))

    async def _read(self) -> None:
        while not self._closed:  # redis-py may swallow a cancellation while it connects
            try:
                message = await self._pubsub.get_message(timeout=_POLL_S)
            except (redis.exceptions.RedisError, OSError):
                log.warning("Redis is away; subscribing again when it is back")
                await asyncio.sleep(_RETRY_S)
                continue
            if message:
                self._take(message["type"], message["channel"].decode(), message["data"])

    def _take(self, kind: str, channel: str, data: bytes) -> None:
        if kind == "subscribe":
            confirmed = self._confirmed.pop(channel, None)
            if confirmed and not confirmed.done():
                confirmed.set_result(None)
        elif kind == "message" and (callback := self._callbacks.get(channel)):
            try:
                callback(data)
            except Exception:
                log.exception("a message could not be read")
