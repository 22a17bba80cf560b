"""Calls with SIP programs that nobody here wrote: sipp and baresip, each way. Run where they are installed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.caller.caller import Caller
from lab.media.clock import MediaClock
from lab.media.codec import Codec
from lab.media.rtp import RtpSession
from lab.servers.ports import free_port
from lab.servers.process import Child, child
from lab.sip.call import IncomingCall
from lab.sip.endpoint import SipEndpoint
from lab.sip.sdp import Sdp, answer
from lab.speech.voice import ToneVoice
from tests.lab.media.test_codec import tone
from tests.lab.sip.phones import OFFER

LIMIT_S = 60.0
MODULES = Path("/usr/lib/baresip/modules")
needs_sipp = pytest.mark.skipif(not shutil.which("sipp"), reason="sipp is not installed (Debian package sip-tester)")
needs_baresip = pytest.mark.skipif(
    not shutil.which("baresip") or not MODULES.is_dir(), reason="baresip is not installed (Debian package baresip)"
)
pytestmark = pytest.mark.peer


async def take(call: IncomingCall) -> None:
    """Ring, answer, wait for the end."""
    await call.ringing()
    assert await call.answer(answer(Sdp.parse(call.remote_sdp), "127.0.0.1", free_port("udp")).to_bytes())
    await call.wait_ended()


@needs_sipp
async def test_sipp_calls_us(tmp_path: Path) -> None:
    """Its own caller scenario, 20 calls, 10 per second: every one is answered and ended as it expects."""
    async with asyncio.timeout(LIMIT_S), SipEndpoint(user_agent="test") as sip:
        sip.on_invite = take
        target = f"{sip.address[0]}:{sip.address[1]}"
        argv = ["sipp", "-sn", "uac", target, "-i", "127.0.0.1", "-p", str(free_port("udp")), "-nostdin"]
        argv += ["-m", "20", "-r", "10", "-d", "100", "-timeout", "30"]
        async with child("sipp", argv, log_path=tmp_path / "sipp.log", cwd=tmp_path) as sipp:
            assert await sipp.wait() == 0, sipp.last_line()
        assert list(sip.calls) == []


@needs_sipp
async def test_we_call_sipp(tmp_path: Path) -> None:
    """Its own callee scenario: 10 calls at once, each answered, each BYE with 200, and sipp saw nothing unexpected."""
    port = free_port("udp")
    argv = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-m", "10", "-timeout", "30"]
    async with (
        asyncio.timeout(LIMIT_S),
        SipEndpoint(user_agent="test") as sip,
        child("sipp", argv, log_path=tmp_path / "sipp.log", cwd=tmp_path) as sipp,
    ):
        target = f"sip:service@127.0.0.1:{port}"
        calls = [sip.invite(target, from_uri="sip:alice@127.0.0.1", sdp=OFFER) for _ in range(10)]
        await asyncio.gather(*(call.answered() for call in calls))
        assert await asyncio.gather(*(call.bye() for call in calls)) == [200] * 10
        assert await sipp.wait() == 0, sipp.last_line()


@asynccontextmanager
async def baresip(folder: Path, *, port: int, more: list[str] | None = None) -> AsyncIterator[Child]:
    """Run baresip on loopback; it plays a 440 Hz tone and answers by itself."""
    await asyncio.to_thread(_write_settings, folder, port)
    argv = ["baresip", "-f", str(folder), "-v", *(more or [])]
    async with child("baresip", argv, log_path=folder / "baresip.log", grace_s=2) as running:
        yield running


def _write_settings(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "tone.wav", tone(440, 8000, 20.0), 8000)
    lines = [
        f"sip_listen 127.0.0.1:{port}",
        "net_interface 127.0.0.1",
        f"audio_source aufile,{folder / 'tone.wav'}",
        f"audio_player aufile,{folder / 'heard.wav'}",
        f"audio_alert aufile,{folder / 'alert.wav'}",
        f"module_path {MODULES}",
        *(f"module {name}.so" for name in ("g711", "aufile")),
        *(f"module_app {name}.so" for name in ("account", "menu")),
    ]
    (folder / "config").write_text("\n".join(lines) + "\n")
    account = f"<sip:bob@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcma"
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")


async def printed(peer: Child, text: str) -> None:
    """Wait until it has printed the text; the test's own limit ends it."""
    while text not in await asyncio.to_thread(peer.log_path.read_text, errors="replace"):
        await asyncio.sleep(0.05)


def pitch(sound: np.ndarray, sample_rate: int) -> int:
    """The loudest frequency of at least a second of sound, in Hz."""
    return round(int(np.abs(np.fft.rfft(sound)).argmax()) * sample_rate / len(sound))


@needs_baresip
async def test_we_call_baresip(tmp_path: Path) -> None:
    """Answered, its tone is heard, it hears our digits, and our BYE ends it."""
    port = free_port("udp")
    async with (
        asyncio.timeout(LIMIT_S),
        baresip(tmp_path / "peer", port=port) as peer,
        Caller(ToneVoice()) as phone,
    ):
        call = await phone.dial("bob", sip=f"127.0.0.1:{port}", ring_timeout_s=20)
        assert call.is_up, (call.reason, peer.last_line())
        await call.wait(1.5)
        await call.say("hello there")
        await call.send_digits("12")
        await call.wait(0.5)  # its jitter buffer hands on an event when audio follows
        assert call.talk is not None
        assert call.talk.codec.name == "PCMA"
        start_s = call.talk.peer.audible_s[0]
        assert abs(pitch(call.talk.peer.sound(start_s, start_s + 1), 8000) - 440) <= 2
        assert await call.sip.bye() == 200
        for digit in "12":
            await printed(peer, f"received event: '{digit}' (end=1)")


@needs_baresip
async def test_baresip_calls_us(tmp_path: Path) -> None:
    """It dials, we answer and hear its tone, and it takes our BYE."""
    heard: list[np.ndarray] = []
    enough, ended = asyncio.Event(), asyncio.Event()

    async def answer_it(call: IncomingCall) -> None:
        offer = Sdp.parse(call.remote_sdp)
        async with MediaClock() as clock, RtpSession(clock) as rtp:
            agreed = answer(offer, "127.0.0.1", rtp.port)
            codec = Codec(agreed.audio.name, agreed.audio.payload_type)
            rtp.configure(codec, remote=offer.remote)
            rtp.on_packet = lambda packet, _at: (
                heard.append(codec.decode(packet.payload)) or (len(heard) > 60 and enough.set())
            )  # type: ignore[func-returns-value]
            rtp.next_frame = lambda: tone(700, codec.sample_rate, 0.02)
            rtp.start()
            await call.ringing()
            assert await call.answer(agreed.to_bytes())
            await enough.wait()
            assert await call.bye() == 200
            ended.set()

    async with asyncio.timeout(LIMIT_S), SipEndpoint(user_agent="test") as sip:
        sip.on_invite = answer_it
        dial = ["-e", f"d sip:alice@127.0.0.1:{sip.address[1]}"]
        async with baresip(tmp_path / "peer", port=free_port("udp"), more=dial) as peer:
            try:
                await ended.wait()
            except asyncio.CancelledError:
                pytest.fail(peer.last_line())
        assert abs(pitch(np.concatenate(heard[10:60]), 8000) - 440) <= 2
