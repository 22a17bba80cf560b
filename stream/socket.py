"""One socket of a call: its start, what it says, what it is told, and its end. Nothing of it raises or stays behind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from aiohttp import WSCloseCode, WSMsgType, web

from stream.call_line import CallLine
from stream.errors import FrameError
from stream.frames import FRAME_LIMIT, Frame, Media, Start, parse_frame

log = logging.getLogger("dialroom.stream")
T = TypeVar("T")

CLOSE_S: Final = 1.0
"""How long the other side may take to say that it closes, too."""
HEARTBEAT_S: Final = 10.0
"""A side that is silent so long is asked whether it is there (RFC 6455 section 5.5.2), and has half of it to answer."""
UNSENT_BYTES: Final = 8 * 1024
"""What may wait in this process for the network, about; a clear cannot overtake it (20 ms of µ-law take 300)."""

Ending = Literal[
    "closed", "left", "stopped", "no start", "not its call", "broken frames", "does not read", "failed"
]  # fmt: skip
_CODES: Final[dict[Ending, int]] = {
    "closed": WSCloseCode.OK,
    "stopped": WSCloseCode.OK,
    "failed": WSCloseCode.INTERNAL_ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """`start_s`: until the start frame has come. `write_s`: until one frame is taken. `stop_s`: until the other side
    closes after our stop. `broken_per_s`: frames that no carrier sends, within one second.
    """

    start_s: float = 5.0
    write_s: float = 5.0
    stop_s: float = 5.0
    broken_per_s: int = 20


class CallSocket:
    """Carries frames between an open WebSocket, with its transport, and a call's line."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.WriteTransport, limits: SocketLimits) -> None:
        self.stream_id = ""
        """The stream that it carries; "" while it carries none, and when its start was refused."""
        self.broken = 0
        """Frames that no carrier sends, so far."""
        self._ws = ws
        self._transport = transport
        self._limits = limits
        self._leaving = asyncio.Event()
        self._code: int = WSCloseCode.OK
        self._window_s, self._in_window = float("-inf"), 0
        transport.set_write_buffer_limits(high=UNSENT_BYTES)

    @staticmethod
    def response() -> web.WebSocketResponse:
        """Return what a request is upgraded with: bounded frames, none of them compressed."""
        return web.WebSocketResponse(
            timeout=CLOSE_S,
            max_msg_size=FRAME_LIMIT,
            compress=False,
            heartbeat=HEARTBEAT_S,
            writer_limit=UNSENT_BYTES,
        )

    def leave(self, code: int) -> None:
        """Close the socket soon, with a code of RFC 6455 section 7.4. Returns at once."""
        if not self._leaving.is_set():
            self._code = code
            self._leaving.set()

    async def carry(self, opens: Callable[[Start, CallSocket], CallLine | None]) -> Ending:
        """Carry frames until either side ends it, and close it.

        `opens` gets the start frame and returns the line of its call, to which it has attached this socket; None
        refuses.
        """
        try:
            ending = await self._carry(opens)
        except Exception:
            log.exception("a socket failed")
            ending = "failed"
        await self._close(self._code if ending == "left" else _CODES.get(ending, WSCloseCode.POLICY_VIOLATION))
        return ending

    async def _carry(self, opens: Callable[[Start, CallSocket], CallLine | None]) -> Ending:
        try:
            async with asyncio.timeout(self._limits.start_s):
                start = await self._first(self._start())
        except TimeoutError:
            return "no start"
        if not isinstance(start, Start):
            return start
        self.stream_id = start.stream_id
        line = opens(start, self)
        if line is None:
            self.stream_id = ""  # which may be the name of a stream that counts
            return "not its call"
        try:
            return await self._first(self._read(line), self._write(line))
        finally:
            line.detach(self)

    async def _start(self) -> Start | Ending:
        while True:
            frame = await self._next()
            if isinstance(frame, Start | str):
                return frame
            if self._is_too_much():
                return "broken frames"

    async def _read(self, line: CallLine) -> Ending:
        while True:
            frame = await self._next()
            if isinstance(frame, str):
                return frame
            if isinstance(frame, Start) or (isinstance(frame, Media) and not self._is_sound(frame, line)):
                if self._is_too_much():
                    return "broken frames"
            else:
                line.take(self, frame)

    async def _write(self, line: CallLine) -> Ending:
        while (text := await line.next_frame(self)) is not None:
            try:
                async with asyncio.timeout(self._limits.write_s):
                    await self._ws.send_str(text)
            except TimeoutError:
                return "does not read"
            except ConnectionError:
                return "closed"
        if line.is_stopped:  # the carrier closes then; if we did, it would come again
            await asyncio.sleep(self._limits.stop_s)
            return "stopped"
        await self._leaving.wait()
        return "left"

    async def _next(self) -> Frame | Ending:
        """Return the next frame that says something."""
        while True:
            try:
                message = await self._ws.receive()
            except ConnectionError:  # a ping could not be answered
                return "closed"
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return "closed"
            try:
                frame = parse_frame(message.data)
            except FrameError:
                if self._is_too_much():
                    return "broken frames"
            else:
                if frame is not None:
                    return frame

    def _is_sound(self, media: Media, line: CallLine) -> bool:
        is_whole = bool(media.payload) and len(media.payload) % line.media_format.sample_bytes == 0
        return is_whole and media.stream_id in (None, self.stream_id)

    def _is_too_much(self) -> bool:
        self.broken += 1
        now_s = time.monotonic()
        if now_s - self._window_s >= 1:
            self._window_s, self._in_window = now_s, 0
        self._in_window += 1
        return self._in_window > self._limits.broken_per_s

    async def _first(self, *works: Coroutine[Any, Any, T]) -> T | Literal["left"]:
        """Return what comes first, ``left`` when the socket is to be left; nothing goes on then."""
        leaving = asyncio.create_task(self._leaving.wait())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await asyncio.wait([leaving, *tasks], return_when=asyncio.FIRST_COMPLETED)
            done = [task for task in tasks if task.done() and not task.cancelled()]
            return done[0].result() if done else "left"
        finally:
            for task in (leaving, *tasks):
                task.cancel()
            await asyncio.gather(leaving, *tasks, return_exceptions=True)

    async def _close(self, code: int) -> None:
        # In a task of its own: where a write was given up, aiohttp 3.14.5 hands its cancellation to the next one.
        closing = asyncio.create_task(self._ws.close(code=code, drain=False))
        try:
            await asyncio.wait([closing], timeout=2 * CLOSE_S)
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
            # What waits for a side that does not read would keep the connection for as long as that likes.
            if self._ws.close_code in (None, WSCloseCode.ABNORMAL_CLOSURE):
                self._transport.abort()
