"""One call between its conversation and whatever socket it has at the moment: the `Line` of `stream.conversation`."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from stream import frames
from stream.conversation import Conversation, Converse, End, Hears
from stream.errors import CallOverError
from stream.frames import Cleared, Digit, Media, Played
from stream.media_format import FRAME_MS, MediaFormat
from stream.webhook import CallForm

log = logging.getLogger("dialroom.stream")

QUEUE_FRAMES: Final = 50
"""Frames that wait to be sent, at most: a second of sound in pieces of 20 ms."""
PLAY_LIMIT_MS: Final = 1000

Heard = Media | Digit | Played | Cleared
_Write = Callable[[str], str]
"""Makes a frame's text for a stream's id, which changes with the socket."""


class OpenSocket(Protocol):
    """The socket that a call has at the moment."""

    @property
    def stream_id(self) -> str:
        """Its stream, as every frame that is sent names it."""
        ...

    def leave(self, code: int) -> None:
        """Close it soon, with a code of RFC 6455 section 7.4. Returns at once."""
        ...


class CallLine:
    """The line of one call. `converse` makes its conversation; what it raises, the conversation's `talk` does."""

    def __init__(self, call: CallForm, media_format: MediaFormat, converse: Converse) -> None:
        self.call = call
        self.media_format = media_format
        self.is_stopped = False
        """Whether the call's end was asked for here."""
        self.has_failed = False
        """Whether that was because the conversation raised."""
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._is_gone = False
        self._socket: OpenSocket | None = None
        self._stopped: OpenSocket | None = None
        self._queue: deque[_Write] = deque()
        self._has_to_clear = False
        self._cleared_times = 0
        self._turn = asyncio.Lock()
        self._space = asyncio.Event()
        self._ready = asyncio.Event()
        self.conversation = self._made(converse)

    # What the conversation uses.

    async def play(self, sound: bytes) -> None:
        """Play sound; see `Sends`."""
        if len(sound) > PLAY_LIMIT_MS // FRAME_MS * self.media_format.frame_bytes:
            raise ValueError("the sound takes longer than a second")
        frames.play_audio("-", sound, self.media_format)  # raises for what cannot be played
        await self._put(lambda stream_id: frames.play_audio(stream_id, sound, self.media_format))

    async def checkpoint(self, name: str) -> None:
        """Ask to be told; see `Sends`."""
        frames.checkpoint("-", name)
        await self._put(lambda stream_id: frames.checkpoint(stream_id, name))

    def clear(self) -> None:
        """Throw away what was not played; see `Sends`."""
        if not self._is_over:
            self._forget()
            self._has_to_clear = True
            self._ready.set()

    def stop(self) -> None:
        """End the call; see `Sends`."""
        self.is_stopped = True
        self._forget()
        self._has_to_clear = False
        self._ready.set()

    async def wait_ended(self) -> End:
        """Wait until the call is over; see `Line`."""
        return await asyncio.shield(self._ended)

    # What the server and the socket use.

    @property
    def ended(self) -> asyncio.Future[End]:
        """Why the call is over, once it is. Nobody may cancel it."""
        return self._ended

    def attach(self, socket: OpenSocket) -> None:
        """Go on with a socket; the one before is closed and is not heard any more."""
        before, self._socket = self._socket, socket
        if before is not None:
            before.leave(1000)
            self._lose()
        self._ready.set()

    def detach(self, socket: OpenSocket) -> None:
        """Note that a socket is gone; one that was replaced before changes nothing."""
        if self._socket is socket:
            self._socket = None
            self._lose()

    def take(self, socket: OpenSocket, heard: Heard) -> None:
        """Let the conversation hear a frame of the socket that counts, while the call lives."""
        if self._socket is socket and not self._ended.done():
            self._tell(lambda hears: _tell_frame(hears, heard))

    async def next_frame(self, socket: OpenSocket) -> str | None:
        """Wait for the next frame to send into a socket; None when there will be no more for it.

        After a stop there is its frame and no other, for every socket that comes; one that was replaced has none.
        """
        while self._socket is socket and not self._is_gone:
            if self.is_stopped:
                if self._stopped is socket:
                    return None
                self._stopped = socket
                return frames.stop(socket.stream_id)
            if self._has_to_clear:
                self._has_to_clear = False
                return frames.clear_audio(socket.stream_id)
            if self._queue:
                write = self._queue.popleft()
                self._space.set()
                return write(socket.stream_id)
            self._ready.clear()
            await self._ready.wait()
        return None

    def end(self, end: End) -> None:
        """Note that the call is over: nothing is heard or sent any more, and the socket is closed."""
        self._is_gone = True
        if not self._ended.done():
            self._ended.set_result(end)
        self._forget()
        self._ready.set()
        if self._socket is not None:
            self._socket.leave(1001 if end.reason == "shutting down" else 1000)

    def fail(self, error: BaseException) -> None:
        """Stop the call because the conversation raised; one that is over anyway stays as it is."""
        log.error("a conversation failed", extra={"call_id": self.call.call_id}, exc_info=error)
        if self._is_over:
            return
        self.has_failed = True
        self.stop()
        if not self._ended.done():
            self._ended.set_result(End(reason="failed"))

    def _made(self, converse: Converse) -> Conversation:
        try:
            return converse(self)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this call and no other
            return _Unable(error)

    @property
    def _is_over(self) -> bool:
        return self.is_stopped or self._ended.done()

    async def _put(self, write: _Write) -> None:
        cleared_times = self._cleared_times
        async with self._turn:
            while True:
                if self._is_over:
                    raise CallOverError
                if cleared_times != self._cleared_times:
                    return
                if len(self._queue) < QUEUE_FRAMES:
                    break
                self._space.clear()
                await self._space.wait()
            self._queue.append(write)
            self._ready.set()

    def _forget(self) -> None:
        self._queue.clear()
        self._cleared_times += 1
        self._space.set()

    def _lose(self) -> None:
        self._forget()
        self._has_to_clear = False  # the carrier has nothing of ours any more
        if not self._ended.done():
            self._tell(lambda hears: hears.lost())

    def _tell(self, tell: Callable[[Hears], None]) -> None:
        try:
            tell(self.conversation)
        except Exception as error:  # noqa: BLE001 - whatever a conversation raises ends its call and no other
            self.fail(error)


class _Unable:
    """A conversation that could not be made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def talk(self) -> None:
        raise self._error

    def sound(self, media: Media) -> None:
        pass

    def key(self, digit: str) -> None:
        pass

    def played(self, name: str) -> None:
        pass

    def cleared(self) -> None:
        pass

    def lost(self) -> None:
        pass


def _tell_frame(hears: Hears, heard: Heard) -> None:
    match heard:
        case Media():
            hears.sound(heard)
        case Digit(digit=digit):
            hears.key(digit)
        case Played(name=name):
            hears.played(name)
        case Cleared():
            hears.cleared()
