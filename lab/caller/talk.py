"""The caller's mouth and ears in one call: frames out, frames in, and when each was audible."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from lab.caller.events import first_of
from lab.caller.speech import Sentence
from lab.caller.track import Track
from lab.media.codec import Samples
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession


@dataclass(slots=True, kw_only=True, eq=False)
class Utterance:
    """A sentence on its way out. `first_s` and `last_s` are when its audible packets left (time.monotonic)."""

    text: str
    barged_in: bool = False
    first_s: float | None = None
    last_s: float | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)
    sent: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Frame:
    samples: Samples
    utterance: Utterance | None = None
    audible: bool = False
    last: bool = False


class Talk:
    """Plays sentences into an RTP session, digital silence between them, and listens to the peer.

    Begins when it is made: the session is configured then. `over` is set when nothing will come or go any more.
    """

    def __init__(self, rtp: RtpSession, *, keep_sound: bool) -> None:
        assert rtp.codec is not None
        self.rtp = rtp
        self.codec = rtp.codec
        self.own = Track(sample_rate=self.codec.sample_rate, keep=keep_sound)
        self.peer = Track(sample_rate=self.codec.sample_rate, keep=keep_sound)
        self.utterances: list[Utterance] = []
        self.digits: list[str] = []
        self.over = asyncio.Event()
        self._silence = _Frame(np.zeros(self.codec.frame_samples, np.int16))
        self._waiting: deque[_Frame] = deque()
        self._leaving = self._silence
        self._peer_audible = asyncio.Event()
        rtp.next_frame, rtp.on_sent, rtp.on_packet = self._next_frame, self._note_sent, self._note_received
        rtp.on_dtmf = self.digits.append
        rtp.start()

    async def say(self, sentence: Sentence, *, barged_in: bool = False) -> Utterance:
        """Play a sentence; returns when its last packet has left, or when the call is over (then `sent` is not set)."""
        utterance = Utterance(text=sentence.text, barged_in=barged_in)
        self.utterances.append(utterance)
        frames = [_Frame(samples, utterance, audible) for samples, audible in sentence.frames()]
        if not frames:
            utterance.sent.set()
            return utterance
        frames[-1] = _Frame(frames[-1].samples, utterance, frames[-1].audible, last=True)
        self._waiting.extend(frames)
        await first_of(utterance.sent, self.over, timeout_s=None)
        return utterance

    async def peer_begins(self, since_s: float, *, timeout_s: float) -> float | None:
        """Return when the peer's first audible packet since `since_s` came; None after `timeout_s` or at the end."""
        limit_s = time.monotonic() + timeout_s
        while (began_s := self.peer.first_audible_from(since_s)) is None:
            left_s = limit_s - time.monotonic()
            if left_s <= 0 or self.over.is_set():
                return None
            self._peer_audible.clear()
            await first_of(self._peer_audible, self.over, timeout_s=left_s)
        return began_s

    async def peer_is_silent(self, for_s: float, *, timeout_s: float) -> bool:
        """Wait until the peer was silent for `for_s`, or the call is over; False after `timeout_s`."""
        limit_s = time.monotonic() + timeout_s
        while not self.over.is_set():
            now = time.monotonic()
            left_s = (self.peer.last_audible_s or now - for_s) + for_s - now
            if left_s <= 0:
                return True
            if now >= limit_s:
                return False
            await first_of(self.over, timeout_s=min(left_s, limit_s - now))
        return True

    def hush(self) -> None:
        """Break off what is being said: whoever waits for its end goes on."""
        self._waiting.clear()
        for utterance in self.utterances:
            utterance.sent.set()

    def stop(self) -> None:
        """Nothing is sent any more; what was said and heard stays."""
        self.rtp.stop()
        self.over.set()

    def _next_frame(self) -> Samples:
        self._leaving = frame = self._waiting.popleft() if self._waiting else self._silence
        if frame.last and frame.utterance:
            frame.utterance.sent.set()  # whoever waits for it runs after the packet has left
        return frame.samples

    def _note_sent(self, packet: RtpPacket, at_s: float) -> None:
        frame, self._leaving = self._leaving, self._silence
        utterance = frame.utterance
        if utterance is None:
            return
        self.own.add(frame.samples, timestamp=packet.timestamp, at_s=at_s)
        if frame.audible:
            utterance.first_s = utterance.first_s or at_s
            utterance.last_s = at_s
            utterance.began.set()

    def _note_received(self, packet: RtpPacket, at_s: float) -> None:
        if self.peer.add(self.codec.decode(packet.payload), timestamp=packet.timestamp, at_s=at_s):
            self._peer_audible.set()
