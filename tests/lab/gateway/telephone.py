"""The telephone side: calls out and in over a real socket, a tone into each, an ear at each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lab.media.clock import MediaClock
from lab.media.codec import Codec
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession
from lab.sip import sdp
from lab.sip.call import Call, IncomingCall, OutgoingCall
from lab.sip.endpoint import SipEndpoint
from lab.sip.faults import Datagram
from tests.lab.gateway.ears import LIMIT_S, Ear, tone, until

PHONE_HZ = 700
CALLER = "+919812345678"


@dataclass(eq=False)
class Line:
    """One call of the telephone with its RTP."""

    call: Call
    rtp: RtpSession
    ear: Ear = field(default_factory=lambda: Ear(8000))
    digits: list[str] = field(default_factory=list)

    def talk(self, description: sdp.Sdp, *, remote: tuple[str, int] | None, hertz: Sequence[int] = (PHONE_HZ,)) -> None:
        """Begin with the codec that was agreed on, and with tones."""
        codec = Codec(description.audio.name, description.audio.payload_type)
        self.ear = Ear(codec.sample_rate)

        def hear(packet: RtpPacket, _at: float) -> None:
            self.ear.push(codec.decode(packet.payload))

        self.rtp.on_packet, self.rtp.on_dtmf = hear, self.digits.append
        self.rtp.next_frame = tone(*hertz, rate=codec.sample_rate)
        self.rtp.configure(codec, remote=remote, dtmf_payload_type=description.dtmf_payload_type)
        self.rtp.start()

    async def answered(self) -> None:
        """Wait for the 200 of a call of ours, then talk. Raises CallRejected."""
        assert isinstance(self.call, OutgoingCall)
        await asyncio.wait_for(self.call.answered(), LIMIT_S)
        agreed = sdp.Sdp.parse(self.call.remote_sdp)
        self.talk(agreed, remote=agreed.remote)

    async def ended(self) -> tuple[str, str]:
        """Wait for the end: by whom, and how."""
        reason = await asyncio.wait_for(self.call.wait_ended(), LIMIT_S)
        return reason.by, reason.cause

    @property
    def statuses(self) -> list[int]:
        """The responses to our INVITE so far."""
        assert isinstance(self.call, OutgoingCall)
        return [step.status for step in self.call.progress]

    async def rings(self, times: int = 1) -> None:
        await until(lambda: self.statuses.count(180) >= times, f"180 number {times}")


@dataclass(eq=False)
class Telephone:
    """One SIP socket with any number of calls."""

    sip: SipEndpoint
    clock: MediaClock
    gateway: str
    received: asyncio.Queue[IncomingCall] = field(default_factory=asyncio.Queue)
    got: list[Datagram] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.sip.address[0]}:{self.sip.address[1]}"

    def methods(self, call_id: str | None = None) -> list[str]:
        """The requests that came, repetitions too."""
        asked = [datagram for datagram in self.got if datagram.status is None]
        return [d.method for d in asked if call_id is None or call_id.encode() in d.data]

    @asynccontextmanager
    async def dial(
        self,
        number: str,
        *,
        gateway: str | None = None,
        codec: str = "PCMU",
        credentials: tuple[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        hang_up: bool = True,
    ) -> AsyncIterator[Line]:
        """Send an INVITE; with `hang_up` end the call at the end of the block when it still lives."""
        async with RtpSession(self.clock) as rtp:
            call = self.sip.invite(
                f"sip:{number}@{gateway or self.gateway}",
                from_uri=f"sip:{CALLER}@127.0.0.1",
                sdp=sdp.offer("127.0.0.1", rtp.port, codecs=(codec,)).to_bytes(),
                credentials=credentials,
                headers=headers,
            )
            try:
                yield Line(call, rtp)
            finally:
                if hang_up:
                    await end(call)

    async def called(self) -> IncomingCall:
        """Wait for the gateway's INVITE."""
        return await asyncio.wait_for(self.received.get(), LIMIT_S)

    def answers(self, method: str) -> list[int]:
        """The responses that came to requests of ours, repetitions too."""
        return [datagram.status for datagram in self.got if datagram.status and datagram.method == method]

    @asynccontextmanager
    async def pick_up(
        self, call: IncomingCall, *, codec: str = "PCMU", hertz: Sequence[int] = (PHONE_HZ,)
    ) -> AsyncIterator[Line]:
        """Answer a call."""
        async with RtpSession(self.clock) as rtp:
            offered = sdp.Sdp.parse(call.remote_sdp)
            agreed = sdp.answer(offered, "127.0.0.1", rtp.port, prefer=(codec,))
            line = Line(call, rtp)
            line.talk(agreed, remote=offered.remote, hertz=hertz)
            try:
                assert await call.answer(agreed.to_bytes())
                yield line
            finally:
                await end(call)


async def end(call: Call) -> None:
    """Leave no call behind."""
    if call.state == "established":
        await call.bye()
    elif isinstance(call, OutgoingCall):
        async with asyncio.timeout(LIMIT_S):
            await call.cancel()
    elif isinstance(call, IncomingCall):
        await call.reject(480)


@asynccontextmanager
async def telephone(gateway: str) -> AsyncIterator[Telephone]:
    """Yield a telephone that rings (180) and keeps each call for the test to take."""
    async with MediaClock() as clock, SipEndpoint(user_agent="telephone") as sip:
        it = Telephone(sip, clock, gateway)

        async def ring(call: IncomingCall) -> None:
            await it.received.put(call)

        sip.on_invite = ring
        sip.tap = lambda way, data, address, _at: it.got.append(Datagram(way, data, address)) if way == "in" else None
        yield it
