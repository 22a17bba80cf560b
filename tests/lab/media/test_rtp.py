"""RTP sessions against each other: order, pace, content, digits, losses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from lab.media.clock import MediaClock
from lab.media.codec import Codec, Samples
from lab.media.packet import RtpPacket
from lab.media.rtp import RtpSession
from tests.lab.media.test_codec import tone

LIMIT_S = 20.0


@asynccontextmanager
async def two_sessions(
    name: str = "PCMU", clock: MediaClock | None = None
) -> AsyncIterator[tuple[RtpSession, RtpSession]]:
    """Two sessions that send to each other."""
    async with (
        asyncio.timeout(LIMIT_S),
        MediaClock() as own,
        RtpSession(clock or own) as one,
        RtpSession(clock or own) as other,
    ):
        one.configure(Codec(name), remote=("127.0.0.1", other.port), dtmf_payload_type=101)
        other.configure(Codec(name), remote=("127.0.0.1", one.port), dtmf_payload_type=101)
        yield one, other


class Heard:
    """What a session receives."""

    def __init__(self, session: RtpSession) -> None:
        self.packets: list[RtpPacket] = []
        self.times: list[float] = []
        self.digits: list[str] = []
        self._more = asyncio.Event()
        session.on_packet, session.on_dtmf = self._take, self._digit

    def _take(self, packet: RtpPacket, at: float) -> None:
        self.packets.append(packet)
        self.times.append(at)
        self._more.set()

    def _digit(self, digit: str) -> None:
        self.digits.append(digit)
        self._more.set()

    async def until(self, *, packets: int = 0, digits: int = 0) -> None:
        while len(self.packets) < packets or len(self.digits) < digits:
            self._more.clear()
            await self._more.wait()


def play(session: RtpSession, sound: Samples) -> None:
    """Send the sound once, then nothing."""
    assert session.codec is not None
    frames = iter(sound.reshape(-1, session.codec.frame_samples))
    session.next_frame = lambda: next(frames, None)
    session.start()


@pytest.mark.parametrize("name", ["PCMU", "PCMA", "G722"])
async def test_sound_arrives_in_order_and_whole(name: str) -> None:
    """Sequence and timestamp go on by 1 and 160; the first packet is marked; what is heard is what was said."""
    async with two_sessions(name) as (one, other):
        heard, codec, reference = Heard(other), Codec(name), Codec(name)
        sound = tone(440, codec.sample_rate, 0.5)
        play(one, sound)
        await heard.until(packets=25)
        sequences = np.array([packet.sequence for packet in heard.packets])
        stamps = np.array([packet.timestamp for packet in heard.packets])
        assert set(np.diff(sequences) & 0xFFFF) == {1}
        assert set(np.diff(stamps) & 0xFFFFFFFF) == {160}
        assert [packet.marker for packet in heard.packets] == [True] + [False] * 24
        expected = [reference.encode(frame) for frame in sound.reshape(-1, codec.frame_samples)]
        assert [packet.payload for packet in heard.packets] == expected
        assert heard.times == sorted(heard.times)


async def test_the_pace_does_not_drift() -> None:
    """After a loop that stood still, missed frames follow at once and the schedule stays where it was."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        play(one, tone(440, 8000, 1.0))
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, lambda: __import__("time").sleep(0.15))
        await heard.until(packets=50)
        assert one.stats.sent == 50
        assert one.stats.send_jitter_p99_ms >= 50
        stamps = [packet.timestamp for packet in heard.packets]
        assert (stamps[-1] - stamps[0]) & 0xFFFFFFFF == 49 * 160


async def test_a_pause_is_a_gap_in_time_and_a_new_talk_spurt() -> None:
    """No packet leaves for None; the timestamp goes on all the same, the sequence does not."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        silence = np.zeros(160, np.int16)
        frames = iter([silence, silence, None, None, None, silence])
        one.next_frame = lambda: next(frames, None)
        one.start()
        await heard.until(packets=3)
        first, second, third = heard.packets
        assert (third.sequence - second.sequence) & 0xFFFF == 1
        assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 4 * 160
        assert (first.marker, second.marker, third.marker) == (True, False, True)


async def test_digits_arrive_once_each_and_in_order() -> None:
    """RFC 4733: the same digit twice is two events, and three end packets are one."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        one.start()
        for digit in "1122#*D":
            one.send_dtmf(digit, ms=60, gap_ms=40)
        await one.dtmf_sent()
        await heard.until(digits=7)
        assert "".join(heard.digits) == "1122#*D"
        assert heard.packets == []


async def test_digits_survive_the_loss_of_any_but_all_packets() -> None:
    """An event whose first packets are lost is still heard from a later one."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        receive = other.datagram_received
        seen = iter(range(10_000))

        def lossy(data: bytes, addr: tuple[str, int]) -> None:
            if next(seen) % 3 == 2:
                receive(data, addr)

        other.datagram_received = lossy  # type: ignore[method-assign]
        one.start()
        for digit in "123":
            one.send_dtmf(digit)
        await one.dtmf_sent()
        assert "".join(heard.digits) == "123"


async def test_digits_push_sound_aside() -> None:
    """While a key is down its events replace audio; the sound goes on afterwards on the same clock."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        play(one, tone(440, 8000, 1.0))
        one.send_dtmf("5", ms=200, gap_ms=20)
        await one.dtmf_sent()
        await heard.until(packets=50 - 12, digits=1)
        assert one.stats.sent == 50
        with pytest.raises(ValueError, match="digit"):
            one.send_dtmf("x")


async def test_losses_repetitions_and_strangers_are_counted() -> None:
    """A lost packet, a doubled one, a swapped pair, garbage, another payload type."""
    async with two_sessions() as (_one, other):
        heard = Heard(other)

        def arrive(sequence: int, payload_type: int = 0) -> None:
            packet = RtpPacket(payload_type, sequence & 0xFFFF, 0, 7, b"\xff" * 160)
            other.datagram_received(packet.to_bytes(), ("127.0.0.1", 9))

        for sequence in (65534, 65535, 0, 0, 3, 2):
            arrive(sequence)
        arrive(4, payload_type=77)
        other.datagram_received(b"hello", ("127.0.0.1", 9))
        stats = other.stats
        assert (stats.received, stats.lost, stats.duplicates, stats.reordered, stats.foreign) == (6, 1, 1, 1, 2)
        assert len(heard.packets) == 5


async def test_a_symmetric_session_answers_where_packets_come_from() -> None:
    """The negotiated address is left for the one that works."""
    async with MediaClock() as clock, RtpSession(clock) as one, RtpSession(clock, symmetric=True) as other:
        one.configure(Codec("PCMU"), remote=("127.0.0.1", other.port))
        other.configure(Codec("PCMU"), remote=("127.0.0.1", 9))
        heard = Heard(one)
        play(other, tone(440, 8000))
        play(one, tone(440, 8000, 0.1))
        async with asyncio.timeout(LIMIT_S):
            await heard.until(packets=5)


async def test_ports_are_even_and_within_the_range() -> None:
    """Two sessions share a range of four ports; a third finds none."""
    async with MediaClock() as clock:
        async with RtpSession(clock) as free:
            base = free.port
        async with RtpSession(clock, ports=(base, base + 1)) as only:
            assert only.port == base
            with pytest.raises(OSError, match="no free even UDP port"):
                async with RtpSession(clock, ports=(base, base + 1)):
                    pass


async def test_a_failing_callback_loses_one_packet_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """Errors of ours are logged; the session lives."""
    async with two_sessions() as (one, other):
        heard = Heard(other)
        take, calls = other.on_packet, iter(range(100))
        assert take is not None

        def sometimes(packet: RtpPacket, at: float) -> None:
            if next(calls) == 1:
                raise RuntimeError("on purpose")
            take(packet, at)

        other.on_packet = sometimes
        play(one, tone(440, 8000, 0.2))
        await heard.until(packets=9)
        assert "an RTP packet was lost" in caplog.text


async def test_the_clock_rests_without_sessions_and_starts_again() -> None:
    """Nothing ticks when nothing was added; a session that comes later is served."""
    async with MediaClock() as clock:
        for _ in range(2):
            async with two_sessions(clock=clock) as (one, other):
                heard = Heard(other)
                play(one, tone(440, 8000, 0.1))
                await heard.until(packets=5)
        await clock.aclose()
