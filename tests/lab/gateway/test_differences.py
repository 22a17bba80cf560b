"""What the lab's gateway refuses and livekit-sip does not: it says so instead of doing half of it (docs/gateway.md)."""

from __future__ import annotations

import asyncio

import pytest
from livekit import api

from lab.servers.sip_node import GatewayKind
from lab.sip import sdp
from lab.sip.call import CallRejected
from tests.lab.gateway.ears import LIMIT_S, until
from tests.lab.gateway.stage import Stage
from tests.lab.gateway.test_endings import talking

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def _lab_alone(kind: GatewayKind) -> None:
    if kind != "lab":
        pytest.skip("about the lab's gateway alone")


async def test_a_rule_with_a_pin_is_refused(stage: Stage) -> None:
    """501: there are no prompts."""
    number = await stage.number(pin="1234")
    async with stage.phone.dial(number.number) as line:
        with pytest.raises(CallRejected) as refused:
            await line.answered()
    assert refused.value.status == 501


async def test_srtp_is_refused(stage: Stage) -> None:
    """400 for an offer of RTP/SAVP, and nobody is in the room."""
    number = await stage.number()
    agent = await stage.agent(number.room)
    offer = (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n"
    )
    call = stage.phone.sip.invite(
        f"sip:{number.number}@{stage.node.address}", from_uri="sip:a@127.0.0.1", sdp=offer.encode()
    )
    with pytest.raises(CallRejected) as refused:
        await call.answered()
    assert refused.value.status == 400
    assert agent.events == []


async def test_a_trunk_that_needs_dns_is_refused(stage: Stage) -> None:
    """`invalid_argument` for a name, and no leg is left in the room."""
    room, trunk_id = stage.new_room(), await stage.outbound_trunk(address="sip.example.com")
    agent = await stage.agent(room)
    with pytest.raises(api.ServerError) as refused:
        await stage.create(room, trunk_id)
    assert refused.value.code == "invalid_argument"
    await until(lambda: not agent.room.remote_participants, "empty room")


async def test_a_caller_without_a_sip_uri_is_refused(stage: Stage) -> None:
    """400 for From: <tel:...>, at once."""
    number = await stage.number()
    call = stage.phone.sip.invite(
        f"sip:{number.number}@{stage.node.address}",
        from_uri="tel:+919812345678",
        sdp=sdp.offer("127.0.0.1", 4000).to_bytes(),
    )
    with pytest.raises(CallRejected) as refused:
        await call.answered()
    assert refused.value.status == 400


async def test_a_reinvite_that_cannot_be_read_is_refused(stage: Stage) -> None:
    """488, and the call goes on; livekit-sip answers 200."""
    async with talking(stage) as (line, agent, _number):
        response = await asyncio.wait_for(line.call.reinvite(b"v=0\r\nno session\r\n"), LIMIT_S)
        assert response.code == 488
        assert line.call.state == "established"
        line.rtp.send_dtmf("7")
        await until(lambda: agent.digits, "a digit after it")
