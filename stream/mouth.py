"""The agent's sound: frames of the session → payloads to the carrier, a little ahead of real time.

What the carrier holds and has not played is cleared when the agent is interrupted, and also when it pauses: then it is
taken back and goes on from there, so that a false interruption costs the caller no word (RoomIO drops what it holds).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from stream.encoding import FRAME_MS, MULAW, Encoding
from stream.pace import Pace


class Send(Protocol):
    """The socket's side. Each call sends one frame, in the order of the calls; ConnectionError: it was not sent."""

    async def play(self, payload: bytes) -> None:
        """Send sound: 20 ms in the encoding of the mouth."""

    async def checkpoint(self, name: str) -> None:
        """Ask to be told when everything so far was played (`Mouth.played`)."""

    async def clear(self) -> None:
        """Make the carrier forget what it has not played, checkpoints too."""


class Timer(Protocol):
    """What waits to be called back."""

    def cancel(self) -> None:
        """Do not call back."""


class Clock(Protocol):
    """The time that the carrier plays by."""

    def now_s(self) -> float:
        """Return seconds since whenever, never going back."""

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call back after so long."""


class RealClock:
    """`time.monotonic`, and the running loop's timers."""

    def now_s(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back after so long."""
        return asyncio.get_running_loop().call_later(delay_s, callback)


_REAL_CLOCK: Final = RealClock()


@dataclass(eq=False, slots=True)
class _Segment:
    """One reply. `complete`: no more sound will come."""

    sound: bytearray = field(default_factory=bytearray)
    complete: bool = False


class Mouth(AudioOutput):
    """Takes frames as fast as they are made and keeps them; one task sends them, 20 ms by 20 ms, from the first on.

    `playback_started` is told when a segment's first frame was sent, `playback_finished` exactly once per segment:
    when its last checkpoint was played (or waited for long enough), or at once when it is cleared. The position is
    that of `Pace.played_ms`.

    When `send` raises ConnectionError nothing more is sent until `carry_over`; a segment that was not sent whole waits
    for that, or for `clear_buffer` or `aclose`.
    """

    def __init__(
        self, send: Send, *, encoding: Encoding = MULAW, pace: Pace | None = None, clock: Clock = _REAL_CLOCK
    ) -> None:
        super().__init__(
            label="stream", capabilities=AudioOutputCapabilities(pause=True), sample_rate=encoding.sample_rate
        )
        self._send: Send | None = send
        self._encoding, self._clock = encoding, clock
        self._silence = encoding.encoded(np.zeros(encoding.sample_rate * FRAME_MS // 1000, np.int16))
        self._pace = Pace() if pace is None else pace
        self._segments: deque[_Segment] = deque()
        """The first one is on the line."""
        self._capturing: _Segment | None = None
        self._cuts = 0
        """Changes whenever a frame that is on its way no longer counts."""
        self._paused = self._closed = False
        self._started = self._owes_clear = False
        self._to_clear = False
        """Something was sent since the last clear."""
        self._changed = asyncio.Event()
        self._pacer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame of the present segment; does not wait. Raises ValueError for another sample rate, or stereo."""
        if frame.sample_rate != self.sample_rate or frame.num_channels != 1:
            raise ValueError(f"this output takes mono sound at {self.sample_rate} Hz: resample it before")
        await super().capture_frame(frame)
        if self._capturing is None:
            self._capturing = _Segment()
            self._segments.append(self._capturing)
        # Of a segment that was cleared, this is kept until its flush and goes nowhere.
        self._capturing.sound += self._encoding.encoded(np.frombuffer(frame.data, np.int16))
        self._wake()

    def flush(self) -> None:
        """Complete the present segment; does nothing where there is none."""
        super().flush()
        segment, self._capturing = self._capturing, None
        if segment is None:
            return
        segment.complete = True
        if self._closed:
            self._give_up()
        self._wake()

    def clear_buffer(self) -> None:
        """End every pending segment now; does nothing where there is none."""
        self._give_up()
        self._wake()

    def pause(self) -> None:
        """Be silent at once. May be called again and again.

        Where the socket proves lost only by this clear, up to a lead of sound is heard twice after `carry_over`.
        """
        super().pause()
        if self._paused:
            return
        self._paused = True
        now_s = self._clock.now_s()
        # Without a socket nothing can be cleared: what was sent is played, and must not be sent again.
        if self._segments and self._send and self._pace.played_ms(now_s) < self._pace.sent_ms:
            self._pace.cut(now_s)
            self._clear_carrier()
            self._wake()

    def resume(self) -> None:
        """Go on where the sound stopped. May be called again and again."""
        super().resume()
        if self._paused:
            self._paused = False
            self._wake()

    def played(self, name: str) -> None:
        """Tell that the carrier has reached a checkpoint (`playedStream`), of whichever socket. Any name is taken."""
        if self._pace.played(name, self._clock.now_s()):
            self._wake()

    def carry_over(self, send: Send) -> None:
        """Go on over another socket of the same call. What was sent is not sent again."""
        if self._closed:
            return
        self._send = send
        self._pace.lost()
        if self._pacer:  # it may hang in the old socket
            self._pacer.cancel()
            self._pacer = self._spawn(after=self._pacer)
        self._wake()

    async def aclose(self) -> None:
        """End every pending segment and the task. What is captured later is dropped and told as not heard."""
        self._closed = True
        self._give_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _give_up(self) -> None:
        """Tell all pending segments as interrupted."""
        if not self._segments:
            return
        position_ms = self._pace.played_ms(self._clock.now_s())
        given_up, self._segments = self._segments, deque()
        self._next_segment()
        self._clear_carrier()
        for segment in given_up:
            self._finish(segment, position_ms, interrupted=True)
            position_ms = 0

    def _next_segment(self) -> None:
        self._pace.begin()
        self._cuts += 1
        self._started = False

    def _clear_carrier(self) -> None:
        self._cuts += 1
        self._owes_clear = self._owes_clear or self._to_clear
        self._to_clear = False

    def _finish(self, segment: _Segment, position_ms: int, *, interrupted: bool) -> None:
        length_s = len(segment.sound) / self._encoding.ms_bytes / 1000
        self.on_playback_finished(playback_position=min(position_ms / 1000, length_s), interrupted=interrupted)

    def _wake(self) -> None:
        self._changed.set()
        if self._pacer is None and not self._closed:
            self._pacer = self._spawn()

    def _spawn(self, after: asyncio.Task[None] | None = None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run(after), name="mouth")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, after: asyncio.Task[None] | None) -> None:
        """Look at what is to be done whenever something has changed, and when the next frame is due."""
        if after:
            await asyncio.wait([after])
        while True:
            self._changed.clear()
            send = self._send
            try:
                due_s = await self._do_what_is_due()
            except ConnectionError:
                if self._send is send:
                    self._send = None
                continue
            timer = None
            if due_s is not None:
                timer = self._clock.call_later(max(due_s - self._clock.now_s(), 0.0), self._changed.set)
            try:
                await self._changed.wait()
            finally:
                if timer:
                    timer.cancel()

    async def _do_what_is_due(self) -> float | None:
        """Send what may be sent now; return when there will be more to do, None when that depends on others."""
        while True:
            now_s = self._clock.now_s()
            if self._owes_clear and self._send:
                await self._send.clear()
                self._owes_clear = False
            elif not self._segments:
                return None
            elif (over_at_s := self._pace.over_at_s()) is not None:
                if now_s < over_at_s:
                    return over_at_s
                self._end_segment(now_s)
            elif self._send is None:
                return None
            elif self._all_sent:
                await self._place_checkpoint(self._send, last=True)
            elif self._paused or (payload := self._payload()) is None:
                return None
            elif wait_s := self._pace.wait_s(now_s):
                return now_s + wait_s
            else:
                await self._play(self._send, payload, now_s)

    async def _play(self, send: Send, payload: bytes, now_s: float) -> None:
        cuts, self._to_clear = self._cuts, True
        await send.play(payload)
        if cuts != self._cuts:
            return  # it was cleared while it was on its way
        self._pace.sent(now_s)
        if not self._started:
            self._started = True
            self.on_playback_started(created_at=time.time())
        if not self._all_sent:
            await self._place_checkpoint(send)

    async def _place_checkpoint(self, send: Send, *, last: bool = False) -> None:
        if name := self._pace.checkpoint(self._clock.now_s(), last=last):
            await send.checkpoint(name)

    def _end_segment(self, now_s: float) -> None:
        segment, position_ms = self._segments.popleft(), self._pace.played_ms(now_s)
        self._next_segment()
        self._finish(segment, position_ms, interrupted=False)

    @property
    def _all_sent(self) -> bool:
        segment = self._segments[0] if self._segments else None
        return segment is None or (
            segment.complete and self._pace.sent_ms * self._encoding.ms_bytes >= len(segment.sound)
        )

    def _payload(self) -> bytes | None:
        """Return the next 20 ms, None when they are not made yet. The last ones of a segment end in silence."""
        segment = self._segments[0]
        start = self._pace.sent_ms * self._encoding.ms_bytes
        piece = bytes(segment.sound[start : start + len(self._silence)])
        if len(piece) < len(self._silence) and not segment.complete:
            return None
        return piece + self._silence[len(piece) :]
