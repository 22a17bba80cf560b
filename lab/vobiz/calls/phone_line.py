"""The carrier's own voice in a call that it answered: RTP with the caller, a queue of what is played to him."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.jitter import JitterBuffer
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession
from lab.sip import sdp

CODECS = ("PCMU", "PCMA")
RATE = 8000
FRAME = 160
MAX_HEARD = 10
"""Frames of the caller that may wait; more are a delay that would stay."""


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


class PlayQueue:
    """Sound and marks in their order. `on_mark(name)` is told when all sound before a mark has left."""

    def __init__(self) -> None:
        self.on_mark: Callable[[str], None] | None = None
        self._waiting: deque[Samples | _Mark] = deque()

    def play(self, samples: Samples) -> None:
        """Play this after everything else."""
        if len(samples):
            self._waiting.append(samples)

    def mark(self, name: str) -> None:
        """Tell when everything so far has left."""
        self._waiting.append(_Mark(name))

    def clear(self) -> None:
        """Forget sound and marks."""
        self._waiting.clear()

    def next_frame(self, count: int) -> Samples:
        """Return the next samples, silence where there is no sound."""
        frame, place = np.zeros(count, np.int16), 0
        while self._waiting and (place < count or isinstance(self._waiting[0], _Mark)):
            head = self._waiting.popleft()
            if isinstance(head, _Mark):
                if self.on_mark:
                    self.on_mark(head.name)
                continue
            taken = head[: count - place]
            frame[place : place + len(taken)] = taken
            place += len(taken)
            if len(taken) < len(head):
                self._waiting.appendleft(head[len(taken) :])
        return frame


class PhoneLine:
    """The media of one answered call; an async context manager. Raises SdpError for an offer without G.711.

    `answer` is what the caller gets as session description. `on_tick()` is called every 20 ms once it is started.
    """

    def __init__(self, clock: MediaClock, offer: sdp.Sdp, *, host: str) -> None:
        self.queue = PlayQueue()
        self.on_tick: Callable[[], None] | None = None
        self.on_digit: Callable[[str], None] | None = None
        self._rtp = RtpSession(clock, host=host)
        self._host = host
        self._offer = offer
        self._chosen = sdp.answer(offer, host, 0, prefer=CODECS)
        self._codec = Codec(self._chosen.audio.name, self._chosen.audio.payload_type)
        self._jitter = JitterBuffer()
        self._heard: deque[Samples] = deque(maxlen=MAX_HEARD)
        self.answer = b""

    async def __aenter__(self) -> Self:
        await self._rtp.__aenter__()
        self.answer = sdp.answer(self._offer, self._host, self._rtp.port, prefer=CODECS).to_bytes()
        self._rtp.configure(self._codec, remote=self._offer.remote, dtmf_payload_type=self._chosen.dtmf_payload_type)
        self._rtp.on_packet = self._hear
        self._rtp.on_dtmf = lambda digit: self.on_digit(digit) if self.on_digit else None
        self._rtp.next_frame = self._next_frame
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._rtp.aclose()

    def start(self) -> None:
        """Begin to send: the call is answered."""
        self._rtp.start()

    @property
    def last_heard_s(self) -> float | None:
        """When the caller's newest packet came (time.monotonic)."""
        return self._rtp.last_arrival_s

    def moved(self, offer: bytes) -> bytes:
        """Follow the caller to a new address (re-INVITE) and return the answer. Raises SdpError."""
        remote = sdp.Sdp.parse(offer).remote if offer else self._offer.remote
        self._rtp.set_remote(remote)
        return self.answer

    def heard(self) -> Samples | None:
        """Return 20 ms of the caller that wait, None for silence."""
        return self._heard.popleft() if self._heard else None

    def _hear(self, packet: RtpPacket, _at_s: float) -> None:
        for ordered in self._jitter.push(packet):
            samples = self._codec.decode(ordered.payload)
            self._heard.extend(samples[place : place + FRAME] for place in range(0, len(samples), FRAME))

    def _next_frame(self) -> Samples:
        if self.on_tick:
            self.on_tick()
        return self.queue.next_frame(self._codec.frame_samples)
