"""OPTIONS over UDP, and the look-up before it."""

from __future__ import annotations

import asyncio
import socket

import pytest
from sipmessage import Request

from lab.servers.ports import free_port
from lab.sip.endpoint import SipEndpoint
from lab.sip.message import parse
from provision.doctor.facts import SipAnswer, SipHost, Unknown
from provision.doctor.options import ask_options, options_request, read_status
from provision.doctor.read_sip_host import read_sip_host, resolve

CALL_ID = "c0ffee@dialroom"
RESPONSE = f"SIP/2.0 200 OK\r\nCall-ID: {CALL_ID}\r\n\r\n".encode()


def test_the_request_is_whole():
    """As a SIP parser of somebody else reads it."""
    data = options_request(host="13.200.1.2", port=5070, local=("10.0.0.1", 40000), call_id=CALL_ID)
    request = parse(data)
    assert isinstance(request, Request)
    assert (request.method, str(request.uri), request.call_id) == ("OPTIONS", "sip:13.200.1.2:5070", CALL_ID)
    assert "10.0.0.1:40000" in request.headers["Via"]


def test_an_ipv6_address_stands_in_brackets():
    data = options_request(host="2406:da1a::1", port=5060, local=("::1", 40000), call_id=CALL_ID)
    assert data.startswith(b"OPTIONS sip:[2406:da1a::1]:5060 SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:40000;")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (RESPONSE, 200),
        (RESPONSE.replace(b"200 OK", b"405 Method Not Allowed"), 405),
        (RESPONSE.replace(b"200 OK", b"486"), 486),
        (RESPONSE.replace(b"200 OK", b"20 OK"), None),
        (RESPONSE.replace(b"c0ffee", b"other"), None),
        (b"OPTIONS sip:x SIP/2.0\r\nCall-ID: c0ffee@dialroom\r\n\r\n", None),
        (b"\x00\x01", None),
        (b"", None),
    ],
)
def test_what_counts_as_an_answer(data, status):
    """Any response to our request, and nothing else."""
    assert read_status(data, call_id=CALL_ID) == status


async def test_a_sip_server_answers():
    async with SipEndpoint(user_agent="test") as server:
        assert await ask_options(*server.address) == SipAnswer(address="127.0.0.1", status=200)


async def test_a_lost_request_is_sent_again():
    """UDP loses packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("127.0.0.1", 0))
        asking = asyncio.create_task(ask_options("127.0.0.1", server.getsockname()[1], timeout_s=30))
        loop = asyncio.get_running_loop()
        await loop.sock_recvfrom(server, 2048)
        again, address = await loop.sock_recvfrom(server, 2048)
        request = parse(again)
        await loop.sock_sendto(server, b"noise", address)
        await loop.sock_sendto(server, RESPONSE.replace(CALL_ID.encode(), request.call_id.encode()), address)
        assert await asking == SipAnswer(address="127.0.0.1", status=200)


async def test_silence():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        assert await ask_options("127.0.0.1", server.getsockname()[1], timeout_s=0.1) == SipAnswer(address="127.0.0.1")


async def test_nobody_listens():
    """The host itself says so."""
    answer = await ask_options("127.0.0.1", free_port("udp"), timeout_s=30)
    assert answer == SipAnswer(address="127.0.0.1", is_refused=True)


async def test_a_name_is_looked_up():
    addresses, failure = await resolve("localhost", 5060)
    assert (addresses[0], failure) == ("127.0.0.1", "")


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64, "x..y"])
async def test_a_name_that_is_not_known(host):
    addresses, failure = await resolve(host, 5060)
    assert addresses == ()
    assert failure


async def test_a_host_that_is_not_asked():
    found = await read_sip_host("127.0.0.1:5070", asks=False)
    assert found == SipHost(addresses=("127.0.0.1",), answer=Unknown("it was not wanted"))


async def test_what_is_no_host():
    assert await read_sip_host("sip_lotus") == SipHost(addresses=(), failure="it is no host name and no address")
