"""Rules for misbehaviour: what they match, how often, and what becomes of a datagram."""

from __future__ import annotations

import asyncio

from lab.sip.endpoint import SipEndpoint
from lab.sip.faults import Datagram, Faults, request, response
from tests.lab.sip.phones import OFFER, phone, two_phones

INVITE = Datagram("out", b"INVITE sip:x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n", ("127.0.0.1", 1))
RINGING = Datagram("in", b"SIP/2.0 180 Ringing\r\ncseq : 1 INVITE\r\n\r\n", ("127.0.0.1", 1))


def test_datagrams_are_known_by_method_and_status() -> None:
    """A response has the method of its CSeq; noise has neither."""
    assert (INVITE.method, INVITE.status) == ("INVITE", None)
    assert (RINGING.method, RINGING.status) == ("INVITE", 180)
    noise = Datagram("in", b"SIP/2.0 xyz", ("127.0.0.1", 1))
    assert (noise.method, noise.status) == ("", None)


def test_matches_are_by_kind() -> None:
    """Requests by method, responses by status and method."""
    assert request()(INVITE)
    assert request("BYE", "INVITE")(INVITE)
    assert not request()(RINGING)
    assert response()(RINGING)
    assert response(180, 183, to="INVITE")(RINGING)
    assert not response(180, to="BYE")(RINGING)
    assert not response()(INVITE)


def test_the_first_rule_that_takes_a_datagram_decides() -> None:
    """A rule that is used up or looks the other way leaves it to the next."""
    faults = Faults()
    once = faults.drop(request("INVITE"), times=1)
    inward = faults.drop(request("INVITE"), direction="in")
    later = faults.delay(request("INVITE"), 0.5)
    assert faults.apply(INVITE) == []
    assert faults.apply(INVITE) == [(0.5, INVITE.data)]
    assert (once.hits, inward.hits, later.hits) == (1, 0, 1)
    faults.clear()
    assert faults.apply(INVITE) == [(0.0, INVITE.data)]


def test_datagrams_can_be_doubled_and_changed() -> None:
    """Copies come with the original; a change may be anything."""
    faults = Faults()
    faults.duplicate(request("INVITE"), copies=2, times=1)
    faults.mangle(request("INVITE"), lambda data: data[:6])
    assert faults.apply(INVITE) == [(0.0, INVITE.data)] * 3
    assert faults.apply(INVITE) == [(0.0, b"INVITE")]
    assert faults.apply(RINGING) == [(0.0, RINGING.data)]


async def test_delayed_datagrams_die_with_the_endpoint() -> None:
    """Nothing is sent after close, and no timer or task is left behind."""
    before = asyncio.all_tasks()
    async with two_phones() as (alice, bob):
        alice.faults.delay(request(), 60)
        alice.dial(bob)
    assert asyncio.all_tasks() == before


async def test_an_endpoint_on_all_addresses_names_the_one_that_is_advertised() -> None:
    """Via and Contact carry it; a call to it works."""
    async with (
        asyncio.timeout(10),
        SipEndpoint("0.0.0.0", user_agent="test", advertised_host="127.0.0.1") as everywhere,
        phone() as bob,
    ):
        outgoing = everywhere.invite(bob.uri, from_uri="sip:alice@127.0.0.1", sdp=OFFER)
        incoming = await bob.received.get()
        assert f"@127.0.0.1:{everywhere.address[1]}>" in incoming.request.headers["Contact"]
        assert await incoming.answer(OFFER)
        await outgoing.answered()
        assert await incoming.bye() == 200
