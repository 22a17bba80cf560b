"""The caller's sound: payloads of the stream → frames for the session.

Voice activity detection counts silence in frames and not in time: without frames a turn never ends. So when nothing
comes for `quiet_ms` (a lost socket, a carrier that sends no silence), silence takes its place, frame by frame, until
sound comes again. Not earlier: a connection that stood still delivers the words it holds, and silence amid them would
end the caller's turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from stream.encoding import FRAME_MS, MULAW, Encoding

LONGEST_WAIT_MS: Final = 2000
"""Of sound that nobody reads. A session reads at once: more than a moment waits only when the whole process stands."""
QUIET_MS: Final = 500
_FRAME_S: Final = FRAME_MS / 1000
_BYTES: Final = 2


class Ear(AudioInput):
    """Frames of 20 ms at the encoding's rate. `dropped_frames` counts what was too much, the oldest is dropped first.

    As RoomIO's, it is deaf while it is detached (`session.input.set_audio_enabled(False)`), and gives no silence then.
    """

    def __init__(
        self, encoding: Encoding = MULAW, *, longest_wait_ms: int = LONGEST_WAIT_MS, quiet_ms: int = QUIET_MS
    ) -> None:
        super().__init__(label="stream")
        self.dropped_frames = 0
        self._encoding = encoding
        self._samples = encoding.sample_rate * FRAME_MS // 1000
        self._most = max(longest_wait_ms // FRAME_MS, 1)
        self._quiet_s = quiet_ms / 1000
        self._frames: deque[bytes] = deque()
        self._rest = b""
        self._attached = True
        self._ended = False
        self._changed = asyncio.Event()
        self._silence_due_s: float | None = None

    def hear(self, payload: bytes) -> None:
        """Take a payload of any length, in the encoding, when it comes. Does not block; does nothing after `end`."""
        if self._ended or not self._attached or not payload:
            return
        size = self._samples * self._encoding.sample_bytes
        surplus = max(len(payload) // size - self._most, 0)
        rest = b"" if surplus else self._rest
        sound = rest + self._encoding.decoded(payload[surplus * size :]).tobytes()
        whole = len(sound) - len(sound) % (self._samples * _BYTES)
        self._rest = sound[whole:]
        self._frames.extend(
            sound[start : start + self._samples * _BYTES] for start in range(0, whole, self._samples * _BYTES)
        )
        self.dropped_frames += surplus
        while len(self._frames) > self._most:
            self._frames.popleft()
            self.dropped_frames += 1
        self._silence_due_s = None
        self._changed.set()

    def end(self) -> None:
        """The call is over: what was heard is still given, then the iteration stops."""
        self._ended = True
        self._changed.set()

    def on_attached(self) -> None:
        """Hear from now on."""
        self._attached = True
        self._silence_due_s = None
        self._changed.set()

    def on_detached(self) -> None:
        """Be deaf, and forget what was not read."""
        self._attached = False
        self._frames.clear()
        self._rest = b""
        self._changed.set()

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next 20 ms. One reader at a time."""
        while True:
            if self._frames:
                return self._frame(self._frames.popleft())
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self._due_s()):
                    await self._changed.wait()
            except TimeoutError:
                if self._changed.is_set() or self._silence_due_s is None:
                    continue
                now_s = asyncio.get_running_loop().time()
                self._silence_due_s = max(self._silence_due_s + _FRAME_S, now_s)
                return self._frame(bytes(self._samples * _BYTES))

    def _due_s(self) -> float | None:
        """When silence takes the place of sound."""
        if not self._attached:
            return None
        if self._silence_due_s is None:
            self._silence_due_s = asyncio.get_running_loop().time() + self._quiet_s
        return self._silence_due_s

    def _frame(self, sound: bytes) -> rtc.AudioFrame:
        return rtc.AudioFrame(sound, self._encoding.sample_rate, 1, self._samples)
