"""Whatever arrives, the endpoint lives: a call right after it works."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lab.sip.phones import ANSWER, OFFER, Phone, talking, two_phones

INVITE = (
    b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKx1\r\n"
    b"From: <sip:eve@127.0.0.1>;tag=e\r\nTo: <sip:bob@127.0.0.1>\r\nCall-ID: fuzz1\r\nCSeq: 1 INVITE\r\n"
    b'Contact: <sip:eve@127.0.0.1:9>\r\nProxy-Authorization: Digest username="a", realm="b", nonce="c"\r\n'
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(OFFER)
) + OFFER
BYE = (
    b"BYE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKy\r\nFrom: <sip:eve@h>;tag=e\r\n"
    b"To: <sip:bob@h>;tag=b\r\nCall-ID: fuzz\r\nCSeq: 2 BYE\r\n\r\n"
)
ANSWERED = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKy\r\nFrom: <sip:eve@h>;tag=e\r\n"
    b"To: <sip:bob@h>;tag=b\r\nCall-ID: fuzz\r\nCSeq: 2 INVITE\r\nContact: <sip:x@127.0.0.1>\r\n\r\n"
)
NOTIFY = (
    b"NOTIFY sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKz\r\nFrom: <sip:e@h>;tag=e\r\n"
    b"To: <sip:bob@h>;tag=b\r\nCall-ID: fuzz\r\nCSeq: 3 NOTIFY\r\nEvent: refer\r\n\r\nSIP/2.0 200 OK\r\n"
)
SAMPLES = [INVITE, BYE, ANSWERED, NOTIFY]
PIECES = st.sampled_from(
    [b"", b"\r\n", b";", b",", b'"', b"<", b">", b":", b"=", b"\x00", b"\xff", b" ", b"%", b"9" * 30]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message with a few places cut out, doubled or overwritten."""
    data = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        until = min(place + draw(st.integers(0, 12)), len(data))
        repeat = data[place:until] * draw(st.integers(0, 3))
        data = data[:place] + draw(PIECES) + repeat + data[until:]
    return data


async def call_works(alice: Phone, bob: Phone) -> None:
    """A whole call, past the calls that the noise began."""
    outgoing = alice.dial(bob, headers=[("X-Control", "yes")])
    while (incoming := await bob.received.get()).request.headers.get("X-Control") != "yes":
        await incoming.reject(480)
    assert await incoming.answer(ANSWER)
    await outgoing.answered()
    assert await outgoing.bye() == 200


@pytest.mark.parametrize("kind", ["noise", "mutated"])
def test_no_datagram_kills_the_endpoint(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """After each batch of datagrams a control call works, and no error of ours was logged."""
    one = st.binary(max_size=200) if kind == "noise" else mutated()

    async def batch(datagrams: list[bytes]) -> None:
        async with two_phones() as (alice, bob):
            for data in datagrams:
                alice.sip.send_raw(data, bob.sip.address)
            await asyncio.sleep(0)
            await call_works(alice, bob)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(one, min_size=1, max_size=25))
    def run(datagrams: list[bytes]) -> None:
        asyncio.run(batch(datagrams))

    with caplog.at_level(logging.ERROR):
        run()
    assert caplog.records == []


def test_noise_inside_a_call_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    """Messages of a live call with damage in them: the call stays up and ends in order."""

    async def batch(changes: list[tuple[int, bytes]]) -> None:
        async with talking() as (alice, outgoing, bob, incoming):
            for datagram in list(alice.sent):
                for place, piece in changes:
                    at = place % len(datagram.data)
                    alice.sip.send_raw(datagram.data[:at] + piece + datagram.data[at + 1 :], bob.sip.address)
            await asyncio.sleep(0.01)
            assert incoming.state == "established"
            assert await outgoing.bye() == 200

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, 2000), PIECES), min_size=1, max_size=20))
    def run(changes: list[tuple[int, bytes]]) -> None:
        asyncio.run(batch(changes))

    with caplog.at_level(logging.ERROR):
        run()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("change", "to", "status"),
    [
        (b"Contact: <sip:eve@127.0.0.1:9>\r\n", b"", 400),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE", 400),
        (b"Contact:", b"Require: 100rel, x\r\nContact:", 420),
        (b"To: <sip:bob@127.0.0.1>", b"To: <sip:bob@127.0.0.1>;tag=nobody", 481),
    ],
)
async def test_wrong_invites_get_the_status_that_says_why(change: bytes, to: bytes, status: int) -> None:
    """RFC 3261 section 8.2."""
    async with two_phones() as (alice, bob):
        alice.sip.send_raw(INVITE.replace(change, to), bob.sip.address)
        while not bob.sent_statuses() and not bob.sent_statuses("BYE"):
            await asyncio.sleep(0.005)
        assert status in bob.sent_statuses() + bob.sent_statuses("BYE")
        assert bob.received.empty()
        await call_works(alice, bob)


async def test_the_same_invite_on_two_ways_is_one_call() -> None:
    """Another branch, the same call and CSeq: 482 (RFC 3261 section 8.2.2.2)."""
    async with two_phones() as (alice, bob):
        alice.sip.send_raw(INVITE, bob.sip.address)
        await bob.received.get()
        alice.sip.send_raw(INVITE.replace(b"z9hG4bKx1", b"z9hG4bKx2"), bob.sip.address)
        while 482 not in bob.sent_statuses():
            await asyncio.sleep(0.005)
        assert bob.received.empty()


async def test_keep_alives_and_empty_datagrams_are_ignored() -> None:
    """RFC 5626 section 3.5.1."""
    async with two_phones() as (alice, bob):
        for data in (b"", b"\r\n\r\n", b"\x00\x00"):
            alice.sip.send_raw(data, bob.sip.address)
        await call_works(alice, bob)
        assert 400 not in [datagram.status for datagram in bob.sent]
