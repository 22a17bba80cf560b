"""Calls that a room makes (CreateSIPParticipant)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import api

from lab.sip.call import IncomingCall
from tests.lab.gateway.ears import LIMIT_S, until
from tests.lab.gateway.room_side import AGENT_HZ, STATUS, RoomSide
from tests.lab.gateway.stage import Stage
from tests.lab.gateway.telephone import PHONE_HZ

HUMAN = "human"
pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def dialling(
    stage: Stage, *, trunk: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[tuple[asyncio.Task[Any], RoomSide, str, IncomingCall]]:
    """Yield the API's answer to come, the agent, the room and the telephone's call, which does not ring yet."""
    room, trunk_id = stage.new_room(), await stage.outbound_trunk(**(trunk or {}))
    agent = await stage.agent(room)
    task = asyncio.create_task(stage.create(room, trunk_id, **more))
    try:
        yield task, agent, room, await stage.phone.called()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, api.ServerError):
            await task


async def test_a_human_is_dialled_and_answers(stage: Stage) -> None:
    """Joins and publishes before the answer; dialing, ringing, active; the API returns after the 200; both hear."""
    async with dialling(stage, participant_attributes={"role": "human"}) as (task, agent, _room, call):
        assert call.local_uri == f"sip:+919898989898@{stage.phone.address}"
        assert call.remote_uri.startswith("sip:+918071000009@")
        await call.ringing()
        await agent.sees("track", HUMAN)
        await agent.status("ringing")
        assert not task.done()
        async with stage.phone.pick_up(call) as line:
            answer = await asyncio.wait_for(task, LIMIT_S)
            assert answer.participant_identity == HUMAN
            assert answer.sip_call_id.startswith("SCL_")
            await agent.status("active")
            await asyncio.gather(line.ear.wait_for(AGENT_HZ), agent.ear.wait_for(PHONE_HZ))
            seen = dict(agent.phone().attributes)
            assert seen["sip.callID"] == answer.sip_call_id
            assert seen["sip.callIDFull"] == call.call_id
            assert seen["sip.callTag"] == call.local_tag
            assert seen["sip.phoneNumber"] == "+919898989898"
            assert seen["sip.trunkPhoneNumber"] == "+918071000009"
            assert seen["role"] == "human"
        await agent.sees("left", "CLIENT_INITIATED")
    order = agent.order(STATUS)
    assert order[-3:] == ["ringing", "active", "hangup"]
    assert order[:-3] in ([], ["dialing"])


@pytest.mark.parametrize("codec", ["PCMA", "G722"])
async def test_the_telephone_chooses_the_codec(stage: Stage, codec: str) -> None:
    """The answer names one of the offered codecs, and both sides hear each other in it."""
    async with dialling(stage) as (task, agent, _room, call):
        await call.ringing()
        async with stage.phone.pick_up(call, codec=codec) as line:
            await asyncio.wait_for(task, LIMIT_S)
            await asyncio.gather(line.ear.wait_for(AGENT_HZ), agent.ear.wait_for(PHONE_HZ))


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (486, "resource_exhausted", "USER_REJECTED"),
        (603, "permission_denied", "USER_REJECTED"),
        (404, "not_found", "USER_UNAVAILABLE"),
        (480, "resource_exhausted", "USER_UNAVAILABLE"),
        (503, "failed_precondition", "CLIENT_INITIATED"),
    ],
)
async def test_a_refusal_reaches_the_api(stage: Stage, status: int, code: str, reason: str) -> None:
    """SipCallError with the SIP status; the participant leaves with the reason that belongs to it."""
    async with dialling(stage) as (task, agent, _room, call):
        await call.ringing()
        await agent.sees("joined", HUMAN)
        await call.reject(status)
        with pytest.raises(api.SipCallError) as refused:
            await asyncio.wait_for(task, LIMIT_S)
        assert refused.value.sip_status_code == status
        assert refused.value.code == code
        await agent.sees("left", reason)
        assert "active" not in agent.order(STATUS)


async def test_nobody_answers(stage: Stage) -> None:
    """After ringing_timeout: CANCEL to the telephone, `canceled` at the API, USER_UNAVAILABLE in the room."""
    async with dialling(stage, ring_s=2) as (task, agent, _room, call):
        await call.ringing()
        with pytest.raises(api.ServerError) as gone:
            await asyncio.wait_for(task, LIMIT_S)
        assert gone.value.code == "canceled"
        assert "sip request timed out" in gone.value.message
        await asyncio.wait_for(call.cancelled.wait(), LIMIT_S)
        await agent.sees("left", "USER_UNAVAILABLE")


async def test_removed_while_it_rings(stage: Stage) -> None:
    """remove_participant stops a ringing telephone."""
    async with dialling(stage) as (task, agent, room, call):
        await call.ringing()
        await agent.sees("joined", HUMAN)
        await stage.remove(room, HUMAN)
        await asyncio.wait_for(call.cancelled.wait(), LIMIT_S)
        with pytest.raises(api.ServerError) as gone:
            await asyncio.wait_for(task, LIMIT_S)
        assert gone.value.code == "canceled"
        await agent.sees("left", "PARTICIPANT_REMOVED")


async def test_the_trunk_knows_the_password(stage: Stage) -> None:
    """A digest challenge is answered with the trunk's credentials."""
    async with dialling(stage, trunk={"auth_username": "us", "auth_password": "secret"}) as (task, _, _room, call):
        await call.challenge(407, realm="carrier")
        again = await stage.phone.called()
        assert again.call_id == call.call_id
        assert again.verify("us", "secret") == "ok"
        async with stage.phone.pick_up(again):
            await asyncio.wait_for(task, LIMIT_S)


async def test_a_challenge_without_a_password(stage: Stage) -> None:
    """Not a SIP error but `failed_precondition`: the trunk lacks credentials."""
    async with dialling(stage) as (task, agent, _room, call):
        await agent.sees("joined", HUMAN)
        await call.challenge(407, realm="carrier")
        with pytest.raises(api.ServerError) as refused:
            await asyncio.wait_for(task, LIMIT_S)
        assert refused.value.code == "failed_precondition"
        assert "no username or password" in refused.value.message
        await agent.sees("left", "USER_REJECTED")


async def test_without_waiting_the_api_returns_at_once(stage: Stage) -> None:
    """The API returns though nobody has answered; a refusal shows as the participant's leaving alone."""
    async with dialling(stage, wait=False) as (task, agent, _room, call):
        await asyncio.wait_for(task, LIMIT_S)
        assert call.is_open
        await agent.sees("joined", HUMAN)
        await call.ringing()
        await agent.status("ringing")
        await call.reject(486)
        await agent.sees("left", "USER_REJECTED")


async def test_headers_and_name_of_a_dial(stage: Stage) -> None:
    """Headers of the trunk and of the dial are on the INVITE, with the display name."""
    trunk = {"headers": {"X-Trunk": "one"}}
    async with dialling(stage, trunk=trunk, headers={"X-Dial": "two"}, display_name="Lotus") as (task, _, _room, call):
        request = call.request
        assert request.headers["X-Trunk"] == "one"
        assert request.headers["X-Dial"] == "two"
        assert request.headers["From"].startswith('"Lotus" <sip:+918071000009@')
        await call.reject(486)
        with pytest.raises(api.SipCallError):
            await asyncio.wait_for(task, LIMIT_S)


async def test_digits_after_the_answer(stage: Stage) -> None:
    """`dtmf` is pressed after the answer, `automation` meanwhile."""
    async with dialling(stage, dtmf="12#") as (task, agent, _room, call):
        await call.ringing()
        async with stage.phone.pick_up(call) as line:
            await asyncio.wait_for(task, LIMIT_S)
            await until(lambda: line.digits == ["1", "2", "#"], f"digits ({line.digits})")
            await agent.status("active")
    order = agent.order(STATUS)
    assert order.index("automation") < order.index("active")
