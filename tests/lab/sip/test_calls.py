"""A call between two endpoints: answered, refused, cancelled, ended by either side."""

from __future__ import annotations

import asyncio

import pytest

from lab.sip.call import CallOver, CallRejected, SipError
from lab.sip.faults import request, response
from tests.lab.sip.phones import ANSWER, OFFER, QUICK, talking, two_phones, until


async def test_an_answered_call_is_established_on_both_sides() -> None:
    """100, 180 and 200 arrive in order, the ACK too, and each side has the other's SDP."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        await incoming.ringing()
        assert await incoming.answer(ANSWER, [("X-Note", "hello")])
        final = await outgoing.answered()

        assert [step.status for step in outgoing.progress] == [100, 180, 200]
        assert final.headers.get("X-Note") == "hello"
        assert (incoming.remote_sdp, outgoing.remote_sdp) == (OFFER, ANSWER)
        assert (incoming.state, outgoing.state) == ("established", "established")
        assert incoming.call_id == outgoing.call_id
        assert (incoming.remote_tag, outgoing.remote_tag) == (outgoing.local_tag, incoming.local_tag)
        assert (incoming.local_uri, incoming.remote_uri) == (bob.uri, "sip:alice@127.0.0.1")


async def test_progress_is_told_as_it_happens() -> None:
    """The callback sees each response, with a time that does not go back, and early SDP."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        seen: list[int] = []
        outgoing.on_progress = lambda step: seen.append(step.status)
        incoming = await bob.received.get()
        await incoming.ringing(183, sdp=ANSWER)
        await incoming.ringing()
        await incoming.answer(ANSWER)
        await outgoing.answered()
        assert seen[-3:] == [183, 180, 200]
        assert [step.sdp for step in outgoing.progress][1] == ANSWER
        times = [outgoing.invited_s] + [step.at_s for step in outgoing.progress]
        assert times == sorted(times)


@pytest.mark.parametrize("ends", ["caller", "callee"])
async def test_either_side_ends_the_call_with_bye(ends: str) -> None:
    """The side that hangs up gets 200; both know who it was."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        one, other = (outgoing, incoming) if ends == "caller" else (incoming, outgoing)
        assert await one.bye([("Reason", "Q.850;cause=16")]) == 200
        reason = await other.wait_ended()
        assert (reason.by, reason.cause, reason.status) == ("remote", "bye", None)
        assert one.end_reason is not None
        assert one.end_reason.by == "local"
        assert await one.bye() is None


async def test_both_sides_may_hang_up_at_once() -> None:
    """BYEs that cross each other are both answered with 200."""
    async with talking() as (_alice, outgoing, _bob, incoming):
        assert await asyncio.gather(outgoing.bye(), incoming.bye()) == [200, 200]


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
async def test_a_refused_call_tells_its_status(status: int) -> None:
    """The caller gets status and reason; the ACK for it stops the callee's repetitions."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        await incoming.reject(status, "As You Like")
        with pytest.raises(CallRejected) as caught:
            await outgoing.answered()
        assert (caught.value.status, caught.value.reason, caught.value.on_wire) == (status, "As You Like", True)
        assert outgoing.end_reason is not None
        assert (outgoing.end_reason.by, outgoing.end_reason.cause) == ("remote", "rejected")
        await asyncio.sleep(0.3)
        assert bob.sent_statuses().count(status) == 1
        with pytest.raises(CallOver):
            incoming.send_answer(ANSWER)


async def test_cancel_while_it_rings() -> None:
    """CANCEL gets 200, the INVITE 487, and both sides know that the caller gave up."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        await incoming.ringing()
        await until(lambda: outgoing.state == "ringing")
        await outgoing.cancel()
        with pytest.raises(CallRejected) as caught:
            await outgoing.answered()
        assert caught.value.status == 487
        assert incoming.cancelled.is_set()
        assert incoming.end_reason is not None
        assert incoming.end_reason.cause == "cancelled"
        assert bob.sent_statuses("CANCEL") == [200]
        assert alice.sent_methods() == ["INVITE", "CANCEL", "ACK"]


async def test_cancel_before_any_response_waits_for_one() -> None:
    """No CANCEL leaves before a provisional response has come (RFC 3261 section 9.1)."""
    async with two_phones() as (alice, bob):
        bob.faults.drop(response(100), times=2)
        outgoing = alice.dial(bob)
        await outgoing.cancel()
        sent = alice.sent_methods()
        assert sent[0] == "INVITE"
        assert sent.index("CANCEL") >= 3
        assert outgoing.end_reason is not None
        assert outgoing.end_reason.cause == "cancelled"


async def test_a_200_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    """The caller gave up while the callee answered: ACK, then BYE, and the call counts as cancelled."""
    async with two_phones() as (alice, bob):
        alice.faults.delay(request("CANCEL"), 0.3)
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        await until(lambda: bool(outgoing.progress))
        giving_up = asyncio.create_task(outgoing.cancel())
        await asyncio.sleep(0.05)
        assert await incoming.answer(ANSWER)
        await giving_up
        with pytest.raises(CallRejected) as caught:
            await outgoing.answered()
        assert caught.value.status == 487
        assert (await incoming.wait_ended()).by == "remote"
        methods = alice.sent_methods()
        assert methods.index("ACK") < methods.index("BYE")


async def test_a_callee_that_is_deaf_to_cancel_is_given_up_after_64_t1() -> None:
    """CANCEL is repeated; without an answer the call ends locally."""
    async with two_phones(QUICK) as (alice, bob):
        ignored = bob.faults.ignore("CANCEL")
        outgoing = alice.dial(bob)
        await (await bob.received.get()).ringing()
        await outgoing.cancel()
        assert outgoing.end_reason is not None
        assert outgoing.end_reason.cause == "cancelled"
        assert ignored.hits > 3


async def test_nobody_there_is_a_local_408() -> None:
    """The INVITE is repeated for 64*T1, then the call ends without a response on the wire."""
    async with two_phones(QUICK) as (alice, bob):
        bob.faults.ignore("INVITE")
        outgoing = alice.dial(bob)
        with pytest.raises(CallRejected) as caught:
            await outgoing.answered()
        assert (caught.value.status, caught.value.on_wire) == (408, False)
        assert outgoing.progress == []
        assert alice.sent_methods().count("INVITE") >= 6


async def test_an_abandoned_call_never_gets_a_final_response() -> None:
    """The callee says nothing more; a CANCEL for it is answered 481 and ends the caller's side."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        await incoming.ringing()
        incoming.abandon()
        await asyncio.sleep(0.2)
        assert bob.sent_statuses() == [100, 180]
        await outgoing.cancel()
        assert bob.sent_statuses("CANCEL") == [481]
        assert outgoing.end_reason is not None


async def test_bye_before_the_answer_is_refused_here() -> None:
    """An unanswered call is cancelled or refused, not ended with BYE."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        with pytest.raises(SipError):
            await outgoing.bye()
        with pytest.raises(SipError):
            await incoming.bye()


async def test_a_call_that_nobody_takes_is_refused() -> None:
    """Without `on_invite` 480; when it raises 500."""
    async with two_phones() as (alice, bob):

        async def fail(_call: object) -> None:
            raise RuntimeError("on purpose")

        for handler, status in ((None, 480), (fail, 500)):
            bob.sip.on_invite = handler
            with pytest.raises(CallRejected) as caught:
                await alice.dial(bob).answered()
            assert caught.value.status == status


async def test_ten_calls_at_once_do_not_mix() -> None:
    """Each call gets its own answer; afterwards no endpoint knows any call."""
    async with two_phones() as (alice, bob):
        calls = [alice.dial(bob, headers=[("X-Number", str(number))]) for number in range(10)]
        for _ in calls:
            incoming = await bob.received.get()
            number = incoming.request.headers["X-Number"]
            await incoming.answer(ANSWER, [("X-Number", number)])
        answers = await asyncio.gather(*(call.answered() for call in calls))
        assert [answer.headers["X-Number"] for answer in answers] == [str(number) for number in range(10)]
        assert len(alice.sip.calls) == len(bob.sip.calls) == 10
        assert await asyncio.gather(*(call.bye() for call in calls)) == [200] * 10
        assert list(alice.sip.calls) == list(bob.sip.calls) == []


async def test_closing_an_endpoint_ends_its_calls_and_waits() -> None:
    """Whoever waits on a call of a closed endpoint is told so instead of waiting for ever."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob)
        waiting = asyncio.create_task(outgoing.answered())
        await (await bob.received.get()).ringing()
        await alice.sip.aclose()
        with pytest.raises(CallRejected):
            await waiting
        assert (await outgoing.wait_ended()).cause == "closed"
        await alice.sip.aclose()


async def test_an_invite_without_offer_gets_ours_and_answers_in_the_ack() -> None:
    """A delayed offer: the callee's SDP is the offer (RFC 3261 section 13.2.1)."""
    async with two_phones() as (alice, bob):
        outgoing = alice.dial(bob, sdp=b"")
        incoming = await bob.received.get()
        assert incoming.remote_sdp == b""
        await incoming.answer(OFFER)
        await outgoing.answered()
        assert outgoing.remote_sdp == OFFER


async def test_a_target_without_an_address_is_one_clear_line() -> None:
    """Host names are resolved by whoever dials."""
    async with two_phones() as (alice, _bob):
        for target in ("sip:bob@phone.example.com", "not a uri"):
            with pytest.raises(SipError):
                alice.sip.invite(target, from_uri="sip:alice@127.0.0.1", sdp=OFFER)
