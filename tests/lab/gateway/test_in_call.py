"""In an inbound call: digits both ways, and the requests that a telephone may send."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from lab.media.clock import MediaClock
from lab.media.rtp import RtpSession
from lab.sip import sdp
from tests.lab.gateway.ears import LIMIT_S, until
from tests.lab.gateway.room_side import AGENT_HZ
from tests.lab.gateway.stage import Stage
from tests.lab.gateway.telephone import CALLER, Line
from tests.lab.gateway.test_endings import talking

pytestmark = pytest.mark.timeout(120)


async def test_digits_of_the_telephone_reach_the_room(stage: Stage) -> None:
    """Each pressed key is told once, in order, with the telephone's identity."""
    async with talking(stage) as (line, agent, _):
        for digit in "15*#":
            line.rtp.send_dtmf(digit)
        await until(lambda: len(agent.digits) >= 4, f"four digits ({agent.digits})")
        assert agent.digits == [(f"sip_{CALLER}", digit) for digit in "15*#"]


async def test_digits_of_the_room_reach_the_telephone(stage: Stage) -> None:
    """publish_dtmf becomes telephone events, one for each key, in order."""
    async with talking(stage) as (line, agent, _):
        await line.ear.wait_for(AGENT_HZ)
        for code, digit in ((1, "1"), (9, "9"), (10, "*"), (11, "#")):
            await agent.room.local_participant.publish_dtmf(code=code, digit=digit)
        await until(lambda: len(line.digits) >= 4, f"four digits ({line.digits})")
        assert line.digits == ["1", "9", "*", "#"]


async def test_reinvite_moves_the_sound(stage: Stage) -> None:
    """A re-INVITE is answered with 200; RTP goes to the new place from then on."""
    async with talking(stage) as (line, _, _number), MediaClock() as clock, RtpSession(clock) as other:
        await line.ear.wait_for(AGENT_HZ)
        offer = dataclasses.replace(sdp.Sdp.parse(line.call.local_sdp), port=other.port, version=2)
        moved = Line(line.call, other)
        response = await asyncio.wait_for(line.call.reinvite(offer.to_bytes()), LIMIT_S)
        assert response.code == 200
        answered = sdp.Sdp.parse(line.call.remote_sdp)
        moved.talk(answered, remote=answered.remote)
        await moved.ear.wait_for(AGENT_HZ)
        assert line.call.state == "established"


async def test_hold_is_answered_and_not_heeded(stage: Stage) -> None:
    """A re-INVITE that says sendonly gets 200 with sendrecv, and sound goes on."""
    async with talking(stage) as (line, _, _number):
        await line.ear.wait_for(AGENT_HZ)
        held = dataclasses.replace(sdp.Sdp.parse(line.call.local_sdp), direction="sendonly", version=2)
        response = await asyncio.wait_for(line.call.reinvite(held.to_bytes()), LIMIT_S)
        assert response.code == 200
        assert sdp.Sdp.parse(response.body).direction == "sendrecv"
        before = line.rtp.stats.received
        await until(lambda: line.rtp.stats.received > before + 50, "packets while held")
        assert line.ear.hears(AGENT_HZ)


async def test_refer_from_the_telephone_is_refused(stage: Stage) -> None:
    """405, and the call goes on."""
    async with talking(stage) as (line, _, _number):
        referral = await asyncio.wait_for(line.call.refer("sip:+918888888888@127.0.0.1"), LIMIT_S)
        assert referral.status == 405
        await line.ear.wait_for(AGENT_HZ)


@pytest.mark.parametrize("method", ["INFO", "UPDATE"])
async def test_other_requests_are_refused(stage: Stage, method: str) -> None:
    """405 for what livekit-sip does not speak."""
    async with talking(stage) as (line, _, _number):
        response = await asyncio.wait_for(line.call.send_request(method), LIMIT_S)
        assert response.code == 405
        assert line.call.state == "established"


async def test_bye_for_an_unknown_call(stage: Stage) -> None:
    """481 for a BYE that belongs to no call."""
    host, port = stage.node.address.split(":")
    own = stage.phone.address
    bye = (
        f"BYE sip:x@{stage.node.address} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKstray\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=one\r\nTo: <sip:b@127.0.0.1>;tag=two\r\n"
        f"Call-ID: stray@127.0.0.1\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    )
    stage.phone.sip.send_raw(bye.encode(), (host, int(port)))
    await until(lambda: stage.phone.answers("BYE"), "answer to the BYE")
    assert stage.phone.answers("BYE") == [481]
