"""Datagrams get lost, doubled and late: the call survives, and repetitions stay repetitions."""

from __future__ import annotations

import asyncio

import pytest

from lab.sip.call import CallRejected
from lab.sip.faults import request, response
from tests.lab.sip.phones import ANSWER, QUICK, talking, two_phones, until


async def test_a_lost_invite_is_sent_again_with_growing_gaps() -> None:
    """Timer A doubles; the callee sees one call."""
    async with two_phones(QUICK) as (alice, bob):
        lost = alice.faults.drop(request("INVITE"), times=3)
        outgoing = alice.dial(bob)
        assert await (await bob.received.get()).answer(ANSWER)
        await outgoing.answered()
        assert lost.hits == 3
        assert bob.received.empty()


async def test_a_repeated_invite_gets_the_newest_response_and_no_second_call() -> None:
    """The callee's transaction absorbs repetitions before and after the answer."""
    async with two_phones(QUICK) as (alice, bob):
        alice.faults.duplicate(request("INVITE"), copies=2)
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        assert await incoming.answer(ANSWER)
        await outgoing.answered()
        await asyncio.sleep(0.1)
        assert bob.received.empty()
        assert len(bob.sip.calls) == 1


async def test_a_lost_200_is_repeated_until_the_ack() -> None:
    """The answering call repeats the 2xx itself; each one is acknowledged."""
    async with two_phones(QUICK) as (alice, bob):
        lost = bob.faults.drop(response(200, to="INVITE"), times=2)
        outgoing = alice.dial(bob)
        assert await (await bob.received.get()).answer(ANSWER)
        await outgoing.answered()
        assert lost.hits == 2


async def test_a_lost_ack_is_sent_again_for_the_repeated_200() -> None:
    """The caller acknowledges each repetition with the same bytes, and answers once."""
    async with two_phones(QUICK) as (alice, bob):
        lost = alice.faults.drop(request("ACK"), times=2)
        outgoing = alice.dial(bob)
        assert await (await bob.received.get()).answer(ANSWER)
        await outgoing.answered()
        assert lost.hits == 2
        assert [step.status for step in outgoing.progress].count(200) == 1
        assert bob.sent_statuses().count(200) >= 3


async def test_a_caller_that_never_acknowledges_is_noticed_and_can_be_ended() -> None:
    """`answer` returns False after 64*T1, the 200 was repeated meanwhile, and BYE ends the call."""
    async with two_phones(QUICK) as (alice, bob):
        alice.faults.skip_ack()
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        assert not await incoming.answer(ANSWER)
        assert bob.sent_statuses().count(200) >= 6
        assert await incoming.bye() == 200
        assert (await outgoing.wait_ended()).by == "remote"


async def test_bye_waits_for_the_ack_of_the_answer() -> None:
    """The callee must not send BYE before the ACK (RFC 3261 section 15)."""
    async with two_phones(QUICK) as (alice, bob):
        alice.faults.delay(request("ACK"), 0.3)
        alice.dial(bob)
        incoming = await bob.received.get()
        incoming.send_answer(ANSWER)
        ending = asyncio.create_task(incoming.bye())
        await asyncio.sleep(0.1)
        assert "BYE" not in bob.sent_methods()
        assert await ending == 200


async def test_a_lost_refusal_is_repeated_until_its_ack() -> None:
    """Timer G repeats the final response; a lost ACK is sent again for it."""
    async with two_phones(QUICK) as (alice, bob):
        lost = bob.faults.drop(response(486), times=1)
        unheard = alice.faults.drop(request("ACK"), times=1)
        outgoing = alice.dial(bob)
        await (await bob.received.get()).reject(486)
        with pytest.raises(CallRejected):
            await outgoing.answered()
        await until(lambda: unheard.hits == 1 and alice.sent_methods().count("ACK") >= 1)
        await asyncio.sleep(0.1)
        assert lost.hits == 1
        count = bob.sent_statuses().count(486)
        await asyncio.sleep(0.3)
        assert bob.sent_statuses().count(486) == count


async def test_a_lost_bye_and_a_lost_answer_to_it_are_repeated() -> None:
    """Timer E repeats BYE; the peer answers the repetition from its transaction."""
    async with talking(QUICK) as (alice, outgoing, bob, incoming):
        alice.faults.drop(request("BYE"), times=2)
        bob.faults.drop(response(to="BYE"), times=1)
        assert await outgoing.bye() == 200
        assert (await incoming.wait_ended()).cause == "bye"


async def test_a_bye_that_nobody_answers_ends_the_call_all_the_same() -> None:
    """`bye` returns None after 64*T1; the call was over when it left."""
    async with talking(QUICK) as (_alice, outgoing, bob, _incoming):
        bob.faults.ignore("BYE")
        ending = asyncio.create_task(outgoing.bye())
        assert (await outgoing.wait_ended()).by == "local"
        assert await ending is None


async def test_everything_doubled_is_one_call() -> None:
    """Each datagram of both sides comes twice: one call, one end."""
    async with two_phones(QUICK) as (alice, bob):
        for side in (alice, bob):
            side.faults.duplicate(lambda _datagram: True)
        ends: list[str] = []
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        outgoing.on_ended = incoming.on_ended = lambda reason: ends.append(reason.by)
        assert await incoming.answer(ANSWER)
        await outgoing.answered()
        assert await outgoing.bye() == 200
        await incoming.wait_ended()
        assert sorted(ends) == ["local", "remote"]
        assert bob.received.empty()


async def test_every_third_datagram_lost_still_makes_calls() -> None:
    """Retransmissions carry 5 calls through heavy, regular loss."""
    async with two_phones(QUICK) as (alice, bob):
        for side in (alice, bob):
            seen = iter(range(10_000))
            side.faults.drop(lambda _datagram, seen=seen: next(seen) % 3 == 0)  # type: ignore[misc]
        for _ in range(5):
            outgoing = alice.dial(bob)
            assert await (await bob.received.get()).answer(ANSWER)
            await outgoing.answered()
            assert await outgoing.bye() == 200


async def test_mangled_datagrams_are_repaired_by_repetition() -> None:
    """A response cut in half is no response."""
    async with two_phones(QUICK) as (alice, bob):
        bob.faults.mangle(response(200), lambda data: data[: len(data) // 2], times=2)
        outgoing = alice.dial(bob)
        assert await (await bob.received.get()).answer(ANSWER)
        await outgoing.answered()
