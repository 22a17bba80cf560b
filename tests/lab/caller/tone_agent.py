"""A peer for the caller: answers, greets, answers each sentence with a tone, and stops when it is spoken into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from lab.caller.loudness import is_audible
from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession
from lab.sip.call import IncomingCall
from lab.sip.endpoint import SipEndpoint
from lab.sip.sdp import Sdp, answer
from lab.sip.timers import Timers

QUIET_FRAMES = 10
"""200 ms of silence end the caller's sentence."""


@dataclass(eq=False)
class Line:
    """One call of the agent."""

    call: IncomingCall
    rtp: RtpSession
    codec: Codec
    sentence_frames: int
    waiting: list[Samples] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)
    sentences: int = 0
    silent: bool = False
    hang_up_after: int | None = None
    _quiet: int = 0
    _hearing: bool = False
    _position: int = 0

    def begin(self) -> None:
        self.rtp.next_frame, self.rtp.on_packet, self.rtp.on_dtmf = self._next, self._take, self.digits.append
        self.rtp.start()

    def speak(self) -> None:
        if not self.silent:
            size = self.codec.frame_samples
            place = np.arange(size * self.sentence_frames) / self.codec.sample_rate
            sound = (np.sin(2 * np.pi * 500 * place) * 8000).astype(np.int16)
            self.waiting.extend(sound.reshape(-1, size))

    def _next(self) -> Samples:
        return self.waiting.pop(0) if self.waiting else np.zeros(self.codec.frame_samples, np.int16)

    def _take(self, packet: RtpPacket, _at: float) -> None:
        if is_audible(self.codec.decode(packet.payload)):
            self._quiet, self._hearing = 0, True
            self.waiting.clear()
        elif self._hearing:
            self._quiet += 1
            if self._quiet >= QUIET_FRAMES:
                self._hearing = False
                self.sentences += 1
                self.speak()


@dataclass(eq=False)
class ToneAgent:
    """All its calls; `decide` may refuse one with a status, or with None leave it ringing."""

    sip: SipEndpoint
    clock: MediaClock
    sentence_s: float = 0.5
    lines: list[Line] = field(default_factory=list)
    status: int | None = 200
    silent: bool = False
    greets: bool = True
    hang_up_after_s: float | None = None
    sdp: bytes | None = None

    @property
    def address(self) -> str:
        return f"{self.sip.address[0]}:{self.sip.address[1]}"

    async def take(self, call: IncomingCall) -> None:
        await call.ringing()
        if self.status is None:
            return await call.wait_ended() and None
        if self.status != 200:
            return await call.reject(self.status)
        offer = Sdp.parse(call.remote_sdp)
        async with RtpSession(self.clock) as rtp:
            agreed = answer(offer, "127.0.0.1", rtp.port)
            codec = Codec(agreed.audio.name, agreed.audio.payload_type)
            rtp.configure(codec, remote=offer.remote, dtmf_payload_type=agreed.dtmf_payload_type)
            line = Line(call, rtp, codec, round(self.sentence_s * 50), silent=self.silent)
            self.lines.append(line)
            if call.end_reason is None:
                call.send_answer(self.sdp or agreed.to_bytes())
            line.begin()
            if self.greets:
                line.speak()
            if self.hang_up_after_s is not None:
                await asyncio.sleep(self.hang_up_after_s)
                await call.bye()
            await call.wait_ended()
        return None


@asynccontextmanager
async def tone_agent(**settings: object) -> AsyncIterator[ToneAgent]:
    """Yield a peer that takes calls."""
    async with MediaClock() as clock, SipEndpoint(user_agent="tone agent", timers=Timers(t1_s=0.05, t2_s=0.2)) as sip:
        agent = ToneAgent(sip, clock, **settings)  # type: ignore[arg-type]
        sip.on_invite = agent.take
        yield agent
