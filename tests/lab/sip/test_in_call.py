"""Requests inside a call: re-INVITE, REFER and NOTIFY, order, and what belongs to no call."""

from __future__ import annotations

import asyncio

import pytest

from lab.sip.call import CallOver, ReceivedRefer
from lab.sip.faults import request
from lab.sip.sdp import Sdp
from tests.lab.sip.phones import ANSWER, OFFER, QUICK, Phone, talking, two_phones, until

TARGET = "sip:+919812345678@127.0.0.1"
HELD = OFFER.replace(b"a=sendrecv", b"a=sendonly")


@pytest.mark.parametrize("asks", ["caller", "callee"])
async def test_a_reinvite_is_answered_with_our_sdp(asks: str) -> None:
    """By default 200 with the SDP that stood; both sides know the new one."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        one, other = (outgoing, incoming) if asks == "caller" else (incoming, outgoing)
        stood = other.local_sdp
        final = await one.reinvite(HELD)
        assert (final.code, final.body) == (200, stood)
        assert Sdp.parse(other.remote_sdp).direction == "sendonly"
        assert one.local_sdp == HELD
        assert await one.bye() == 200


async def test_a_reinvite_may_be_answered_or_refused_by_the_call() -> None:
    """`on_reinvite` gets the offer, and returns an SDP or a status; a refused offer changes nothing."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        offers: list[bytes] = []

        def decide(offer: bytes) -> bytes | int:
            offers.append(offer)
            return 488 if len(offers) == 1 else ANSWER + b"a=x\r\n"

        incoming.on_reinvite = decide
        assert (await outgoing.reinvite(HELD)).code == 488
        assert incoming.remote_sdp == OFFER
        assert (await outgoing.reinvite(HELD)).body.endswith(b"a=x\r\n")
        assert offers == [HELD, HELD]
        assert outgoing.remote_sdp.endswith(b"a=x\r\n")


async def test_a_reinvite_survives_lost_acks() -> None:
    """The 200 is repeated, and so is the ACK."""
    async with talking(QUICK) as (alice, outgoing, bob, _incoming):
        before = len(bob.sent_statuses())
        lost = alice.faults.drop(request("ACK"), times=2)
        assert (await outgoing.reinvite(HELD)).code == 200
        await until(lambda: lost.hits == 2 and bob.sent_statuses()[before:].count(200) >= 3)


async def test_reinvites_that_cross_are_refused_with_491() -> None:
    """Neither side takes an offer while its own is open (RFC 3261 section 14.2)."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        finals = await asyncio.gather(outgoing.reinvite(HELD), incoming.reinvite(HELD))
        assert [final.code for final in finals] == [491, 491]


async def refer_answer(status: int, *reports: int, end_with_bye: bool = False) -> tuple[int, list[int], int | None]:
    """Refer a call whose peer answers `status` and then reports these; return what the referring side saw."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        work: list[asyncio.Task[None]] = []

        async def report(refer: ReceivedRefer) -> None:
            for step in reports:
                assert await refer.notify(step) == 200
            if end_with_bye:
                await outgoing.bye()

        async def decide(refer: ReceivedRefer) -> int:
            assert refer.refer_to == TARGET
            assert refer.request.headers["Referred-By"] == "<sip:desk@127.0.0.1>"
            if status < 300:
                work.append(asyncio.create_task(report(refer)))
            return status

        outgoing.on_refer = decide
        referral = await incoming.refer(TARGET, [("Referred-By", "<sip:desk@127.0.0.1>")])
        outcome = await referral.outcome()
        await asyncio.gather(*work)
        return referral.status, referral.statuses, outcome


async def test_a_referral_reports_success() -> None:
    """202, then 100 and 200 by NOTIFY."""
    assert await refer_answer(202, 100, 200) == (202, [100, 200], 200)


async def test_a_referral_reports_failure() -> None:
    """The target was busy."""
    assert await refer_answer(202, 100, 180, 486) == (202, [100, 180, 486], 486)


async def test_a_referral_without_notify_ends_with_the_call() -> None:
    """No NOTIFY comes and the peer hangs up: no outcome."""
    assert await refer_answer(202, end_with_bye=True) == (202, [], None)


async def test_a_refused_referral_has_no_outcome() -> None:
    """The callback's status is the REFER's final response."""
    assert await refer_answer(603) == (603, [], None)


async def test_without_a_callback_refer_is_not_allowed() -> None:
    """405 with an Allow that does not name REFER, as livekit-sip answers."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        referral = await outgoing.refer(TARGET)
        assert (referral.status, referral.accepted) == (405, False)
        final = await outgoing.send_request("REFER", headers=[("Refer-To", f"<{TARGET}>")])
        assert "REFER" not in (final.headers.get("Allow") or "")
        incoming.on_refer = lambda _refer: asyncio.sleep(0, 202)
        assert (await outgoing.send_request("REFER")).code == 400


async def test_a_notify_that_overtakes_the_202_counts() -> None:
    """A NOTIFY may come before the REFER's own response (RFC 3515 section 2.4.4)."""
    async with talking() as (_alice, outgoing, _bob, incoming):

        async def decide(refer: ReceivedRefer) -> int:
            refer.answered.set()
            await refer.notify(200)
            return 202

        outgoing.on_refer = decide
        referral = await incoming.refer(TARGET)
        assert (referral.status, await referral.outcome()) == (202, 200)


async def test_notifies_that_nobody_asked_for_are_refused() -> None:
    """Another event 489, no referral 481, no status in the body 400."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        assert (await outgoing.send_request("NOTIFY", headers=[("Event", "presence")])).code == 489
        assert (await outgoing.send_request("NOTIFY", headers=[("Event", "refer")])).code == 481
        outgoing.on_refer = lambda _refer: asyncio.sleep(0, 202)
        await incoming.refer(TARGET)
        broken = [("Event", "refer"), ("Subscription-State", "active")]
        assert (await outgoing.send_request("NOTIFY", body=b"hello", headers=broken)).code == 400


async def test_requests_out_of_order_are_refused() -> None:
    """A CSeq below the last one gets 500 (RFC 3261 section 12.2.2)."""
    async with talking() as (_alice, outgoing, _bob, _incoming):
        assert (await outgoing.send_request("OPTIONS")).code == 200
        assert (await outgoing.send_request("OPTIONS", headers=[("CSeq", "1 OPTIONS")])).code == 500


async def test_unsupported_methods_are_named_in_allow() -> None:
    """INFO, UPDATE and inventions get 405 with Allow, in a call and outside."""
    async with talking() as (_alice, outgoing, _bob, _incoming):
        for method in ("INFO", "UPDATE", "DANCE"):
            final = await outgoing.send_request(method)
            assert final.code == 405
            assert "INVITE" in (final.headers.get("Allow") or "")


async def test_options_outside_a_call_says_what_is_spoken() -> None:
    """200 with Allow and Accept."""
    async with two_phones() as (alice, bob):
        final = await alice.sip.options(bob.uri, from_uri="sip:alice@127.0.0.1")
        assert final.code == 200
        assert final.headers.get("Accept") == "application/sdp"


async def test_requests_for_a_call_that_is_over_get_481() -> None:
    """The dialog is forgotten when the BYE was answered."""
    async with talking() as (_alice, outgoing, bob, incoming):
        await outgoing.bye()
        with pytest.raises(CallOver):
            await outgoing.send_request("OPTIONS")
        await incoming.wait_ended()
        assert await stray(bob, "BYE", incoming.call_id) == 481
        assert await stray(bob, "BYE", "nobody-knows") == 481
        assert await stray(bob, "CANCEL", "nobody-knows") == 481


async def stray(bob: Phone, method: str, call_id: str) -> int:
    """Send one request from a bare socket and return the status of the answer."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()

    class Socket(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answered.done() or answered.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Socket, local_addr=("127.0.0.1", 0))
    lines = [
        f"{method} sip:bob@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{method}{call_id}",
        "From: <sip:eve@127.0.0.1>;tag=1",
        "To: <sip:bob@127.0.0.1>;tag=2",
        f"Call-ID: {call_id}",
        f"CSeq: 7 {method}",
    ]
    transport.sendto("\r\n".join([*lines, "", ""]).encode(), bob.sip.address)
    data = await answered
    transport.close()
    return int(data[8:11])
