"""Calls from a telephone: answer, sound, authentication, numbers that lead nowhere."""

from __future__ import annotations

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import rtc

from lab.sip.call import CallRejected
from tests.lab.gateway.ears import until
from tests.lab.gateway.room_side import AGENT_HZ, STATUS
from tests.lab.gateway.stage import Stage
from tests.lab.gateway.telephone import CALLER, PHONE_HZ

SILENCE_S = 6.0
pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_both_sides_hear_each_other(stage: Stage, codec: str) -> None:
    """The agent hears the telephone's tone and the telephone the agent's, in every codec."""
    number = await stage.number()
    agent = await stage.agent(number.room)
    async with stage.phone.dial(number.number, codec=codec) as line:
        await line.answered()
        await asyncio.gather(line.ear.wait_for(AGENT_HZ), agent.ear.wait_for(PHONE_HZ))
        assert line.rtp.codec is not None
        assert line.rtp.codec.name == codec


async def test_it_rings_until_the_agent_publishes(stage: Stage) -> None:
    """100, then 180 again and again while the agent is there but silent; 200 only after its track."""
    number = await stage.number()
    agent = await stage.agent(number.room, speaks=False)
    async with stage.phone.dial(number.number) as line:
        await line.rings(3)
        assert set(line.statuses) == {100, 180}
        assert agent.phone().attributes[STATUS] == "ringing"
        await agent.sees("track", agent.phone().identity)
        await agent.publish()
        await line.answered()
        await agent.status("active")
        await agent.ear.wait_for(PHONE_HZ)
    assert agent.order(STATUS)[:2] == ["ringing", "active"]
    assert line.statuses[0] == 100
    assert line.statuses[-1] == 200


async def test_what_the_agent_learns_of_the_call(stage: Stage) -> None:
    """Kind, identity, name, metadata, numbers, ids and mapped headers stand on the participant."""
    number = await stage.number(headers_to_attributes={"X-Desk": "desk"})
    agent = await stage.agent(number.room)
    async with stage.phone.dial(number.number, headers=[("X-Desk", "seven"), ("X-Other", "no")]) as line:
        await line.answered()
        await agent.status("active")
        phone = agent.phone()
        assert phone.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        assert (phone.identity, phone.name) == (f"sip_{CALLER}", f"Phone {CALLER}")
        assert phone.metadata == "from the rule"
        seen = dict(phone.attributes)
        assert seen["sip.callID"].startswith("SCL_")
        assert seen["sip.callIDFull"] == line.call.call_id
        assert seen["sip.callTag"] == line.call.local_tag
        assert seen["sip.phoneNumber"] == CALLER
        assert seen["sip.trunkPhoneNumber"] == number.number
        assert (seen["sip.trunkID"], seen["sip.ruleID"]) == (number.trunk_id, number.rule_id)
        assert seen["sip.hostname"] == "127.0.0.1"
        assert (seen["desk"], seen["line"]) == ("seven", "front")
        assert not [name for name in seen if name.startswith("sip.h.")]
        await agent.sees("track", phone.identity)
        tracks = list(phone.track_publications.values())
        assert [track.kind for track in tracks] == [rtc.TrackKind.KIND_AUDIO]


async def test_headers_on_demand(stage: Stage) -> None:
    """With include_headers the X- headers come as sip.h.<name>; a trunk's own headers go into the 200."""
    number = await stage.number(include_headers="SIP_X_HEADERS", headers={"X-Clinic": "lotus"})
    agent = await stage.agent(number.room)
    async with stage.phone.dial(number.number, headers=[("X-Desk", "seven"), ("Subject", "no")]) as line:
        await line.answered()
        await agent.status("active")
        found = {name: value for name, value in agent.phone().attributes.items() if name.startswith("sip.h.")}
        assert found == {"sip.h.x-desk": "seven"}
        answer = next(d for d in stage.phone.got if d.status == 200 and d.method == "INVITE")
        assert b"X-Clinic: lotus" in answer.data


async def test_digest_lets_in_who_knows_the_password(stage: Stage) -> None:
    """407 first; the same call with the right answer is put through."""
    number = await stage.number(auth_username="lotus", auth_password="open sesame")
    await stage.agent(number.room)
    async with stage.phone.dial(number.number, credentials=("lotus", "open sesame")) as line:
        await line.answered()
        await line.ear.wait_for(AGENT_HZ)
    assert line.statuses.index(407) < line.statuses.index(180) < line.statuses.index(200)


@pytest.mark.parametrize(("credentials", "statuses"), [(("lotus", "wrong"), {407, 401}), (None, {407})])
async def test_digest_keeps_out_who_does_not(
    stage: Stage, credentials: tuple[str, str] | None, statuses: set[int]
) -> None:
    """No or wrong credentials: refused before it rings, and nobody is in the room."""
    number = await stage.number(auth_username="lotus", auth_password="open sesame")
    agent = await stage.agent(number.room)
    async with stage.phone.dial(number.number, credentials=credentials) as line:
        with pytest.raises(CallRejected):
            await line.answered()
    assert set(line.statuses) - {100} == statuses
    assert agent.events == []


async def test_a_call_that_no_rule_wants_gets_no_final_answer(stage: Stage) -> None:
    """An unknown number and a foreign source are treated alike: 100, one 180, then silence, and no room is made."""
    number = await stage.number(allowed=["192.0.2.0/24"])
    dial = stage.phone.dial
    async with dial("+918071999999", hang_up=False) as unknown, dial(number.number, hang_up=False) as foreign:
        await asyncio.gather(unknown.rings(), foreign.rings())
        await asyncio.sleep(SILENCE_S)
        assert unknown.statuses == [100, 180]
        assert foreign.statuses == [100, 180]
        assert number.room not in await stage.room_names()


async def test_ringing_timeout_becomes_busy(stage: Stage) -> None:
    """A trunk's ringing_timeout ends the ringing with 486, so that the carrier can go elsewhere."""
    number = await stage.number(ringing_timeout=Duration(seconds=2))
    agent = await stage.agent(number.room, speaks=False)
    async with stage.phone.dial(number.number) as line:
        with pytest.raises(CallRejected) as refused:
            await line.answered()
        assert refused.value.status == 486
        await until(lambda: agent.order("left"), "leaving")
    assert line.statuses.count(180) >= 2


async def test_options_says_what_is_spoken(stage: Stage) -> None:
    """OPTIONS outside a call is answered with 200."""
    response = await stage.phone.sip.options(f"sip:{stage.node.address}", from_uri="sip:probe@127.0.0.1")
    assert response.code == 200


async def test_ten_calls_at_once(stage: Stage) -> None:
    """Ten telephones, ten rooms: each is answered and hears its agent, and none is left behind."""

    async def one() -> None:
        number = await stage.number()
        agent = await stage.agent(number.room)
        async with stage.phone.dial(number.number) as line:
            await line.answered()
            await asyncio.gather(line.ear.wait_for(AGENT_HZ), agent.ear.wait_for(PHONE_HZ))
        await agent.sees("left", "CLIENT_INITIATED")

    await asyncio.gather(*(one() for _ in range(10)))
