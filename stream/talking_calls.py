"""The calls of a server: who has a seat, the line of each, and whoever talks in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from stream.call_line import CallLine, OpenSocket
from stream.conversation import Converse, End
from stream.errors import CallOverError
from stream.frames import Start
from stream.live_calls import Answer, Counts, LiveCalls
from stream.media_format import MediaFormat
from stream.webhook import CallForm

log = logging.getLogger("dialroom.stream")

StreamOver = Literal["ours", "lost", "never began", "unknown"]
"""Why the carrier asks what comes after a stream: we stopped it; it was lost, or its conversation failed; no socket of
it ever began; the call is over, or was never answered here.
"""


@dataclass(slots=True)
class _Held:
    """A call that has a seat. `line` None: no socket has begun yet."""

    form: CallForm
    document: bytes
    line: CallLine | None = None


class TalkingCalls:
    """Keeps what belongs to each seat. Conversations have `farewell_s` when their call is over.

    Time frees seats by itself; `settle` is what ends the conversations of those calls, so it has to be asked often.
    """

    def __init__(self, seats: LiveCalls, converse: Converse, media_format: MediaFormat, *, farewell_s: float) -> None:
        self._seats = seats
        self._converse = converse
        self._media_format = media_format
        self._farewell_s = farewell_s
        self._held: dict[str, _Held] = {}
        self._talking: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def is_draining(self) -> bool:
        """Whether new calls are refused."""
        return self._seats.is_draining

    @property
    def conversations(self) -> int:
        """How many run, also a moment longer than their calls."""
        return len(self._talking)

    def counts(self) -> Counts:
        """Return the seats of this moment."""
        self.settle()
        return self._seats.counts(now_s=time.monotonic())

    def answer(self, form: CallForm, document: Callable[[str], bytes]) -> tuple[Answer, bytes]:
        """Give a call a seat and make its document, or return the one that it was given; b"" with a refusal."""
        answer = self._seats.answer(form.call_id, now_s=time.monotonic())
        self.settle()
        if answer == "seated":
            self._quiet.clear()
            self._held[form.call_id] = _Held(form, document(form.call_id))
        held = self._held.get(form.call_id)
        return answer, held.document if held is not None else b""

    def has(self, call_id: str) -> bool:
        """Whether a socket of a call may be opened."""
        return self._seats.has(call_id, now_s=time.monotonic())

    def open(self, call_id: str, start: Start, socket: OpenSocket) -> CallLine | None:
        """Attach a socket to its call, which begins to talk with the first; None when it may not count.

        It may not when its start names another call, a format that was not asked for, or a stream that came before.
        """
        held = self._held.get(call_id)
        is_its_own = start.call_id == call_id and start.media_format is self._media_format
        if held is None or not is_its_own:
            return None
        if self._seats.open(call_id, start.stream_id, now_s=time.monotonic()) is None:
            return None
        if held.line is None:
            held.line = CallLine(held.form, start.media_format, self._converse)
            task = asyncio.create_task(self._talk(held.line))
            self._talking.add(task)
            task.add_done_callback(self._hush)
        held.line.attach(socket)
        log.info("a socket is open", extra={"call_id": call_id, "stream_id": start.stream_id})
        return held.line

    def close(self, call_id: str, stream_id: str) -> None:
        """Note that a socket is closed."""
        self._seats.close(call_id, stream_id, now_s=time.monotonic())

    def stream_over(self, call_id: str) -> StreamOver:
        """Say why a stream is over that the carrier will not open again; unless it was we, its call ends with it."""
        self.settle()
        held = self._held.get(call_id)
        if held is None:
            return "unknown"
        line = held.line
        if line is not None and line.is_stopped and not line.has_failed:
            return "ours"
        self.end(call_id, End(reason="lost"))
        return "never began" if line is None else "lost"

    def end(self, call_id: str, end: End) -> None:
        """Free a call's seat and tell its conversation; one that was never answered here will not be any more."""
        self._seats.end(call_id, now_s=time.monotonic())
        self._release(call_id, end)

    def end_all(self, end: End) -> None:
        """End every call."""
        for call_id in list(self._held):
            self.end(call_id, end)

    def settle(self) -> None:
        """End the calls whose seats time has freed."""
        for call_id in self._seats.lapsed(now_s=time.monotonic()):
            self._release(call_id, End(reason="lost"))

    def drain(self) -> None:
        """Give no new seats from now on."""
        self._seats.drain()

    async def wait_quiet(self) -> None:
        """Wait until there is no call and no conversation."""
        await self._quiet.wait()

    async def _talk(self, line: CallLine) -> None:
        """Let the conversation talk to its end, or a little longer than the call."""
        talking = asyncio.create_task(line.conversation.talk())
        try:
            either: list[asyncio.Future[Any]] = [talking, line.ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not talking.done():
                await asyncio.wait([talking], timeout=self._farewell_s)
        finally:
            talking.cancel()
            (result,) = await asyncio.gather(talking, return_exceptions=True)
        if isinstance(result, Exception) and not isinstance(result, CallOverError):
            line.fail(result)
        line.stop()

    def _hush(self, task: asyncio.Task[None]) -> None:
        self._talking.discard(task)
        self._note_quiet()

    def _release(self, call_id: str, end: End) -> None:
        held = self._held.pop(call_id, None)
        if held is None:
            return
        if end.reason == "lost" and held.line is not None and held.line.is_stopped:
            end = End(reason="stopped")
        log.info("a call is over", extra={"call_id": call_id, "reason": end.reason})
        if held.line is not None:
            held.line.end(end)
        self._note_quiet()

    def _note_quiet(self) -> None:
        if not self._held and not self._talking:
            self._quiet.set()
