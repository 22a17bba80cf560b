"""Calls of the carrier's stand-in to the server: what the caller says comes back, and every way of ending is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.media.clock import MediaClock
from lab.media.rtp import RtpSession
from lab.sip.call import OutgoingCall
from lab.sip.sdp import offer
from tests.lab.vobiz.test_application_calls import Telephone
from tests.lab.vobiz.world import NUMBER, Network, network, new_account, until
from tests.stream.door import Door, door


@asynccontextmanager
async def stage(tmp_path: Path, *, signed: bool = True, **environ: str) -> AsyncIterator[tuple[Network, Door]]:
    """Yield a network whose number has our server as its application, at the addresses that the manifest writes."""
    account = new_account(NUMBER)
    account.habits.sign_callbacks = signed
    async with door(tmp_path, signed=signed, auth_token=account.auth_token, **environ) as at, network(account) as net:
        base = at.server.server_url
        given = {"app_name": "d", "answer_url": f"{base}/vobiz/answer", "hangup_url": f"{base}/vobiz/hangup"}
        made = await net.rest.post("/Application/", given)
        await net.rest.post(f"/numbers/%2B{NUMBER[1:]}/application", {"application_id": made["app_id"]})
        yield net, at


@asynccontextmanager
async def talking(net: Network, at: Door) -> AsyncIterator[tuple[OutgoingCall, Telephone]]:
    """Yield an answered call whose caller hears himself."""
    async with MediaClock() as clock, RtpSession(clock) as rtp:
        telephone = Telephone(rtp, "PCMU")
        call = net.dial(sdp=offer("127.0.0.1", rtp.port, codecs=("PCMU",)).to_bytes())
        await call.answered()
        telephone.connect(call.remote_sdp)
        await until(lambda: telephone.loud > 10)
        yield call, telephone


@pytest.mark.parametrize("signed", [True, False])
async def test_a_caller_hears_himself_and_hangs_up(tmp_path: Path, signed: bool) -> None:
    """Sound, a checkpoint that was played, an interruption; the server knows who ended it."""
    async with stage(tmp_path, signed=signed) as (net, at):
        async with talking(net, at) as (call, telephone):
            (echo,) = at.conversations
            assert {"calls": 1, "talking": 1, "sockets": 1, "conversations": 1}.items() <= at.health().items()
            telephone.rtp.send_dtmf("5")
            await until(lambda: "played key-5" in echo.events)
            telephone.rtp.send_dtmf("*")
            await until(lambda: "cleared" in echo.events)
            loud = telephone.loud
            await until(lambda: telephone.loud > loud + 10)
            await call.bye()
        record = await net.record()
        await at.until(calls=0, conversations=0, sockets=0, free=10)
        assert (record["stream"]["ignored"], record["stream"]["ended"]) == (0, "call over")
        assert echo.end is not None
        assert echo.end.reason == "hung up"
        assert echo.end.hangup is not None
        assert (echo.end.hangup.cause_code, echo.end.hangup.source) == (4000, "Caller")
        assert at.health()["refused"] == {}


async def test_cleared_sound_is_not_heard(tmp_path: Path) -> None:
    """Ten seconds that wait at the carrier, thrown away."""
    async with stage(tmp_path) as (net, at), talking(net, at) as (_call, telephone):
        (echo,) = at.conversations
        telephone.says = None
        quiet = asyncio.create_task(_fill(echo.line))
        await quiet
        telephone.rtp.send_dtmf("*")
        await until(lambda: "cleared" in echo.events)
        await echo.line.checkpoint("after")
        await until(lambda: "played after" in echo.events)
        assert "played never" not in echo.events


async def _fill(line) -> None:
    for _ in range(10):
        await line.play(b"\x20" * 8000)
    await line.checkpoint("never")


async def test_a_stop_hangs_up(tmp_path: Path) -> None:
    """By the document after the stream."""
    async with stage(tmp_path) as (net, at):
        async with talking(net, at) as (call, telephone):
            telephone.rtp.send_dtmf("#")
            assert (await call.wait_ended()).by == "remote"
        record = await net.record()
        assert (record["ended_by"], record["stream"]["ended"]) == ("application", "stopped")
        await at.until(calls=0, conversations=0, sockets=0)
        end = at.conversations[0].end
        assert end is not None
        assert (end.reason, end.hangup and end.hangup.source) == ("hung up", "Answer XML")


async def test_a_lost_socket_is_opened_again_and_the_conversation_goes_on(tmp_path: Path) -> None:
    """As often as the carrier opens it; then the call ends here and there."""
    async with stage(tmp_path) as (net, at):
        async with talking(net, at) as (call, telephone):
            for times in range(1, 12):
                (socket,) = at.server._sockets
                socket.leave(1011)
                await until(lambda times=times: at.conversations[0].events.count("lost") == times)
                if times < 11:
                    await at.until(talking=1, sockets=1)
                    loud = telephone.loud
                    await until(lambda loud=loud: telephone.loud > loud + 3)
            assert (await call.wait_ended()).by == "remote"
        record = await net.record()
        assert len(set(record["stream"]["stream_ids"])) == 11
        assert len(at.conversations) == 1
        await at.until(calls=0, conversations=0)
        end = at.conversations[0].end
        assert end is not None
        assert end.reason == "lost"


async def test_a_call_too_many_hears_the_sentence_and_is_hung_up(tmp_path: Path) -> None:
    """The one that is there goes on."""
    async with stage(tmp_path, MAX_CALLS="1") as (net, at), talking(net, at) as (_call, telephone):
        second = net.dial()
        await second.answered()
        assert (await second.wait_ended()).by == "remote"
        assert at.health()["refused"] == {"full": 1}
        loud = telephone.loud
        await until(lambda: telephone.loud > loud + 10)
        assert at.health()["calls"] == 1


async def test_a_caller_who_gives_up_before_the_answer_leaves_no_seat(tmp_path: Path) -> None:
    """Whatever the order in which the server hears of it."""
    async with stage(tmp_path) as (net, at):
        calls = [net.dial() for _ in range(5)]
        for call in calls:
            await until(lambda call=call: 180 in [step.status for step in call.progress])
            await call.cancel()
        await until(lambda: not net.account.live and len(net.account.finished) == 5)
        await at.until(calls=0, conversations=0, sockets=0)


async def test_a_closed_server_lets_the_carrier_go(tmp_path: Path) -> None:
    """The caller is not left in silence."""
    async with stage(tmp_path) as (net, at), talking(net, at) as (call, _telephone):
        await at.server.aclose()
        assert (await call.wait_ended()).by == "remote"
        end = at.conversations[0].end
        assert end is not None
        assert end.reason == "shutting down"
