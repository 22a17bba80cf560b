"""Calls of the public network to numbers on trunks: routed by the account's state at that moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.caller.caller import Caller
from lab.sip.call import CallRejected
from lab.sip.sdp import Sdp, answer, offer
from lab.speech.voice import ToneVoice
from tests.lab.caller.tone_agent import tone_agent
from tests.lab.sip.phones import ANSWER, OFFER, phone
from tests.lab.vobiz.world import CALLER, NUMBER, TIMERS, Network, at, network, until

HOLD = offer("127.0.0.1", 4444).to_bytes()
MOVED = answer(Sdp.parse(HOLD), "127.0.0.1", 5555).to_bytes()


async def refused(net: Network, number: str = NUMBER) -> int:
    with pytest.raises(CallRejected) as rejected:
        await net.dial(number).answered()
    return rejected.value.status


async def test_a_call_reaches_the_trunks_destination_and_ends_on_both_legs() -> None:
    """Descriptions pass through, ringing too; the record has both Call-IDs."""
    async with network() as net:
        trunk = await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        assert incoming.source == net.carrier.address
        assert incoming.local_uri.startswith(f"sip:{NUMBER}@")
        assert incoming.remote_uri.startswith(f"sip:{CALLER}@")
        assert incoming.remote_sdp == OFFER
        await incoming.ringing()
        await until(lambda: 180 in [step.status for step in outgoing.progress])
        assert await incoming.answer(ANSWER)
        await outgoing.answered()
        assert outgoing.remote_sdp == ANSWER
        assert await net.rest.get("/Call", status="live")
        await outgoing.bye()
        assert (await incoming.wait_ended()).cause == "bye"
        record = await net.record()
        assert (record["route"], record["trunk_name"], record["destination"]) == ("trunk", trunk["name"], net.where)
        assert (record["status"], record["ended_by"], record["caller"]) == (200, "caller", CALLER)
        assert record["sip_call_id"] == outgoing.call_id
        assert record["bridge_uuid"] == incoming.call_id
        assert record["attempts"] == [{"destination": net.where, "status": 200}]


async def test_sound_flows_between_caller_and_destination_directly() -> None:
    """The carrier has no media of its own in such a call."""
    async with network() as net, tone_agent() as agent, Caller(ToneVoice()) as caller:
        await net.routed(inbound_destination=agent.address)
        call = await caller.dial(NUMBER, sip=f"{net.carrier.address[0]}:{net.carrier.address[1]}")
        assert call.status == 200
        assert await call.hear_turn(timeout_s=10, silence_s=0.3)
        await call.say("good morning")
        assert await call.hear_turn(timeout_s=10, silence_s=0.3)
        await call.send_digits("5")
        await until(lambda: agent.lines[0].digits == ["5"])
        await call.hang_up()
        assert (await net.record())["ended_by"] == "caller"


async def test_the_destination_may_hang_up() -> None:
    """The caller gets a BYE."""
    async with network() as net:
        await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        await incoming.bye()
        assert (await outgoing.wait_ended()).by == "remote"
        assert (await net.record())["ended_by"] == "destination"


async def test_a_caller_who_gives_up_is_taken_back_everywhere() -> None:
    """487 to the caller, CANCEL to the destination."""
    async with network() as net:
        await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.ringing()
        await outgoing.cancel()
        await incoming.cancelled.wait()
        record = await net.record()
        assert (record["status"], record["cause_code"], record["ended_by"]) == (487, 1000, "caller")


@pytest.mark.parametrize(("status", "told"), [(486, 486), (503, 503), (603, 603), (302, 480), (407, 480)])
async def test_a_refusal_of_the_destination_reaches_the_caller(status: int, told: int) -> None:
    """Redirections and challenges do not: the carrier follows neither."""
    async with network() as net:
        await net.routed()
        dialled = asyncio.create_task(refused(net))
        await (await net.taken()).reject(status)
        assert await dialled == told


@pytest.mark.parametrize(
    ("fields", "trunk_fields", "status"),
    [
        ({}, {"trunk_status": "disabled"}, 480),
        ({}, {"trunk_direction": "outbound"}, 480),
        ({}, {"inbound_destination": "sip:127.0.0.1:5080"}, 404),
        ({}, {"inbound_destination": ""}, 480),
        ({}, {"transport": "tls"}, 503),
        ({}, {"inbound_destination": "no such host"}, 503),
        ({"status": "pending_release"}, {}, 480),
        ({"is_blocked": True}, {}, 480),
        ({"is_trial_number": True}, {}, 480),
        ({"aadhaar_verification_required": True}, {}, 480),
    ],
)
async def test_what_cannot_be_delivered_is_refused(
    fields: dict[str, Any], trunk_fields: dict[str, Any], status: int
) -> None:
    """With the reason in the record; the destination hears nothing."""
    async with network() as net:
        await net.routed(**trunk_fields)
        net.account.numbers[NUMBER] |= fields
        assert await refused(net) == status
        assert (await net.record())["reason"]
        assert net.destination.received.empty()


async def test_numbers_of_others_and_numbers_without_a_trunk_are_refused() -> None:
    """404 and 480, and 404 for what is no number."""
    async with network() as net:
        assert await refused(net, "+919999999999") == 404
        assert await refused(net, "reception") == 404
        assert await refused(net) == 480


async def test_the_state_of_the_moment_decides() -> None:
    """A number that is taken off its trunk is not delivered any more, and is again when it is put back."""
    async with network() as net:
        trunk = await net.routed()
        await net.rest.ask("DELETE", f"/numbers/%2B{NUMBER[1:]}/assign")
        assert await refused(net) == 480
        await net.rest.assign(NUMBER, trunk["trunk_id"])
        outgoing = net.dial()
        await (await net.taken()).answer(ANSWER)
        await outgoing.answered()


async def test_more_calls_than_the_account_may_have_are_refused() -> None:
    """503, until one has ended."""
    async with network() as net:
        await net.routed()
        net.account.base_calls = 1
        first = net.dial()
        await (await net.taken()).answer(ANSWER)
        await first.answered()
        assert await refused(net) == 503
        await first.bye()
        await until(lambda: not net.account.live)
        second = net.dial()
        await (await net.taken()).answer(ANSWER)
        await second.answered()


@pytest.mark.parametrize("form", ["+918071000001", "918071000001", "08071000001", "00918071000001"])
async def test_a_number_may_be_dialled_in_any_form(form: str) -> None:
    """They are all the same number."""
    async with network() as net:
        await net.routed()
        net.dial(form)
        assert (await net.taken()).local_uri.startswith(f"sip:{NUMBER}@")


@pytest.mark.parametrize(
    ("form", "called", "caller"),
    [("e164", NUMBER, CALLER), ("digits", NUMBER[1:], CALLER[1:]), ("national", "08071000001", "09812345678")],
)
async def test_the_destination_sees_numbers_in_the_carriers_form(form: str, called: str, caller: str) -> None:
    """Three of them were seen in life."""
    async with network() as net:
        await net.routed()
        net.account.habits.change({"called_form": form, "caller_form": form})
        net.dial()
        incoming = await net.taken()
        assert incoming.local_uri.startswith(f"sip:{called}@")
        assert str(incoming.request.uri).startswith(f"sip:{called}@")
        assert incoming.remote_uri.startswith(f"sip:{caller}@")


async def test_only_the_carriers_own_headers_pass() -> None:
    """X-VH-*."""
    async with network() as net:
        await net.routed()
        net.dial(headers=[("X-VH-Clinic", "lotus"), ("X-Other", "no")])
        headers = (await net.taken()).request.headers
        assert headers.get("X-VH-Clinic") == "lotus"
        assert headers.get("X-Other") is None


@pytest.mark.parametrize("primary", ["refuses", "silent"])
async def test_the_fallback_takes_over(primary: str) -> None:
    """When the primary refuses, and when nothing is heard of it."""
    async with network() as net, phone(TIMERS) as spare:
        net.account.habits.silence_s = 0.5
        uri = await net.rest.post(
            "/origination-uris", {"name": "spare", "sip_uri": f"sip:front@{at(spare)}", "priority": 2}
        )
        await net.routed(fallback_uri_uuid=uri["id"])
        if primary == "silent":
            net.destination.faults.ignore("INVITE")
        outgoing = net.dial()
        if primary == "refuses":
            await (await net.taken()).reject(503)
        incoming = await spare.received.get()
        assert incoming.local_uri.startswith("sip:front@")
        await incoming.answer(ANSWER)
        await outgoing.answered()
        await outgoing.bye()
        record = await net.record()
        assert [attempt["status"] for attempt in record["attempts"]] == [503 if primary == "refuses" else 0, 200]


async def test_a_trunk_may_name_an_origination_uri() -> None:
    """As one that was made in the console does: its id stands in both fields."""
    async with network() as net:
        uri = await net.rest.post("/origination-uris", {"name": "main", "sip_uri": f"sip:{net.where}", "priority": 1})
        await net.routed(inbound_destination=uri["id"], primary_uri_uuid=uri["id"])
        outgoing = net.dial()
        await (await net.taken()).answer(ANSWER)
        await outgoing.answered()


async def test_an_unanswered_call_is_given_up() -> None:
    """After the carrier's own ring timeout: 480, and CANCEL."""
    async with network() as net:
        await net.routed()
        net.account.habits.ring_timeout_s = 0.5
        dialled = asyncio.create_task(refused(net))
        incoming = await net.taken()
        await incoming.ringing()
        assert await dialled == 480
        await incoming.cancelled.wait()


async def test_a_live_call_is_seen_and_holds_its_trunk() -> None:
    """It is in the list of live calls, its trunk and credential cannot be deleted, and it can be hung up by the API."""
    async with network() as net:
        user = await net.rest.post("/credentials", {"username": "lotus", "password": "12345678"})
        trunk = await net.routed(credential_uuid=user["id"])
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        (call_uuid,) = (await net.rest.get("/Call", status="live"))["calls"]
        shown = await net.rest.get(f"/Call/{call_uuid}", status="live")
        assert (shown["from"], shown["to"], shown["direction"]) == (CALLER, NUMBER, "inbound")
        for path in (f"/trunks/{trunk['trunk_id']}", f"/credentials/{user['id']}"):
            assert (await net.rest.ask("DELETE", path)).status_code == 409
        assert (await net.rest.get("/concurrency"))["concurrent_calls"] == 1
        assert (await net.rest.ask("DELETE", f"/Call/{call_uuid}/")).status_code == 204
        await asyncio.gather(outgoing.wait_ended(), incoming.wait_ended())
        assert (await net.record())["ended_by"] == "carrier"
        assert (await net.rest.ask("DELETE", f"/Call/{call_uuid}/")).status_code == 404
        assert (await net.rest.ask("DELETE", f"/trunks/{trunk['trunk_id']}")).status_code == 204
        (row,) = (await net.rest.get("/cdr"))["data"]
        assert row["bridge_uuid"] == incoming.call_id
        assert row["destination_number"] == NUMBER[1:]
        assert (await net.rest.get(f"/cdr/{call_uuid}"))["data"]["uuid"] == call_uuid


@pytest.mark.parametrize("side", ["caller", "destination"])
async def test_a_reinvite_is_answered_by_the_other_leg(side: str) -> None:
    """Its offer arrives there, and the answer comes back."""
    async with network() as net:
        await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        asks, other = (outgoing, incoming) if side == "caller" else (incoming, outgoing)
        offers: list[bytes] = []

        def moved(offered: bytes) -> bytes:
            offers.append(offered)
            return MOVED

        other.on_reinvite = moved
        response = await asks.reinvite(HOLD)
        assert (response.code, response.body) == (200, MOVED)
        assert offers == [HOLD]
        other.on_reinvite = lambda _offer: 488
        assert (await asks.reinvite(HOLD)).code == 488
        await asks.bye()
        await other.wait_ended()


async def test_a_refer_is_refused_or_relayed() -> None:
    """The switch is off in a new account; on, the caller's phone is asked, and what it reports comes back."""
    async with network() as net:
        await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        assert (await incoming.refer("sip:+919812345679@lotus.in")).status == 405
        net.account.habits.change({"refer": "relay"})

        async def go(refer: Any) -> int:
            asyncio.get_running_loop().create_task(refer.notify(200))
            return 202

        outgoing.on_refer = go
        referral = await incoming.refer("sip:+919812345679@lotus.in")
        assert referral.accepted
        assert await referral.outcome() == 200


async def test_a_destination_that_is_the_carrier_itself_is_no_loop() -> None:
    """It is refused."""
    async with network() as net:
        await net.routed(inbound_destination=f"{net.carrier.address[0]}:{net.carrier.address[1]}")
        assert await refused(net) == 503
        assert len(net.account.finished) == 1


async def test_calls_end_with_the_carrier() -> None:
    """Both legs get a BYE."""
    async with network() as net:
        await net.routed()
        outgoing = net.dial()
        incoming = await net.taken()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        await net.carrier.aclose()
        await asyncio.gather(outgoing.wait_ended(), incoming.wait_ended())
        assert not net.account.live
