"""The telephone half of a leg: RTP with one codec, to and from the room."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import numpy as np

from lab.gateway.config import GatewayConfig
from lab.gateway.mixer import Mixer
from lab.gateway.room import RoomLeg
from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.jitter import JitterBuffer
from lab.media.packet import RtpPacket
from lab.media.resample import Resampler
from lab.media.rtp import RtpSession
from lab.sip import sdp

CODECS = ("G722", "PCMU", "PCMA")
"""livekit-sip's own order of preference; an offer's order does not matter to it."""
FIRST_PACKET_S = 1.0


def allowed_codecs(media: Any) -> tuple[str, ...]:
    """Return the codecs that a trunk's media settings (livekit.SIPMediaConfig) leave, in order of preference."""
    listed = {codec.name.upper() for codec in media.codecs} if media is not None else set()
    if listed and media.only_listed_codecs:
        return tuple(name for name in CODECS if name in listed)
    return CODECS


class MediaLeg:
    """RTP of one leg; an async context manager."""

    def __init__(self, clock: MediaClock, config: GatewayConfig) -> None:
        self._session = RtpSession(clock, host=config.listen_ip, ports=config.rtp_port)
        self._config = config
        self._jitter = JitterBuffer()
        self._codec: Codec | None = None
        self._room: RoomLeg | None = None
        self._mixer: Mixer | None = None
        self._first = asyncio.Event()
        self._since_s = 0.0
        self._open = False
        self._to_room, self._to_phone = Resampler(1, 1), Resampler(1, 1)
        self._pressing: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.aclose()

    def offer(self, *, codecs: tuple[str, ...] = CODECS) -> sdp.Sdp:
        """Return what an outbound call offers."""
        return sdp.offer(self._config.listen_ip, self._session.port, codecs=codecs)

    def answer(self, offered: sdp.Sdp, *, codecs: tuple[str, ...] = CODECS) -> sdp.Sdp:
        """Answer an offer. Raises SdpError."""
        return sdp.answer(offered, self._config.listen_ip, self._session.port, prefer=codecs)

    def connect(self, chosen: sdp.Sdp, remote: tuple[str, int] | None) -> RoomLeg:
        """Take the negotiated codec and return the room half that fits it. Nothing is sent yet."""
        payload = chosen.audio
        self._codec = Codec(payload.name, payload.payload_type)
        self._mixer = Mixer(self._codec.frame_samples)
        self._room = RoomLeg(self._mixer, self._codec.sample_rate)
        self._session.configure(self._codec, remote=remote, dtmf_payload_type=chosen.dtmf_payload_type)
        self._session.on_packet = self._on_packet
        self._session.on_dtmf = self._on_dtmf
        self._session.next_frame = self._next_frame
        self._room.on_digit = self._play_digit
        return self._room

    def renegotiate(self, answered: sdp.Sdp) -> None:
        """Take what the peer answered to our offer. The room half keeps its sample rate: frames are converted.

        Raises SdpError for an answer without a codec of ours.
        """
        assert self._codec is not None
        assert self._mixer is not None
        payload = answered.audio
        spoken = Codec(payload.name, payload.payload_type)
        self._to_room = Resampler(spoken.sample_rate, self._codec.sample_rate)
        self._to_phone = Resampler(self._codec.sample_rate, spoken.sample_rate)
        self._codec = spoken
        self._session.configure(spoken, remote=answered.remote, dtmf_payload_type=answered.dtmf_payload_type)

    def start(self) -> None:
        """Begin to send: the call is answered."""
        self._since_s, self._open = time.monotonic(), True
        self._session.start()

    def redirect(self, remote: tuple[str, int] | None) -> None:
        """Send elsewhere from now on (re-INVITE)."""
        self._session.set_remote(remote)

    async def first_packet(self) -> None:
        """Return when the telephone's first packet has come, after a second at the latest."""
        try:
            await asyncio.wait_for(self._first.wait(), FIRST_PACKET_S)
        except TimeoutError:
            return

    async def timed_out(self) -> None:
        """Return when no packet has come for the configured time."""
        while True:
            last_s = self._session.last_arrival_s
            config = self._config
            limit_s = config.media_timeout_initial_s if last_s is None else config.media_timeout_s
            left_s = (last_s or self._since_s) + limit_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    def send_digits(self, digits: str) -> None:
        """Press keys towards the telephone; `w` is not a key here."""
        for digit in digits:
            if digit in "0123456789*#ABCD":
                self._play_digit(digit)

    def _play_digit(self, digit: str) -> None:
        if self._open:
            self._session.send_dtmf(digit, ms=250, gap_ms=250)

    def _next_frame(self) -> Samples | None:
        if self._mixer is None or self._codec is None:
            return None
        return _fitted(self._to_phone.process(self._mixer.mix()), self._codec.frame_samples)

    def _on_packet(self, packet: RtpPacket, _arrival_s: float) -> None:
        self._first.set()
        if self._codec and self._room and self._open:
            for ordered in self._jitter.push(packet):
                self._room.speak(self._to_room.process(self._codec.decode(ordered.payload)))

    def _on_dtmf(self, digit: str) -> None:
        if self._room and self._open:
            task = asyncio.ensure_future(self._room.press(digit))
            self._pressing.add(task)
            task.add_done_callback(self._pressing.discard)


def _fitted(frame: Samples, count: int) -> Samples:
    """Return a frame of exactly `count` samples: a converter gives a few more or less at times."""
    return frame if len(frame) == count else np.resize(frame, count)
