"""Reading SIP messages, and the parts that are kept to the letter."""

from __future__ import annotations

import pytest
from sipmessage import Request, Response

from lab.sip.dialog import Dialog, address_of
from lab.sip.message import (
    Malformed,
    mark_source,
    parameter,
    parse,
    put_headers,
    reply_address,
    response_to,
    sent_by,
    split_values,
    tag_of,
    top_via,
    uri_of,
)

OPTIONS = (
    b"OPTIONS sip:bob@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.7:5062;rport;branch=z9hG4bK1\r\n"
    b'From: "A, B" <sip:alice@192.0.2.7>;tag=a+b!\r\n'
    b"To: <sip:bob@192.0.2.1>\r\n"
    b"Call-ID: one\r\n"
    b"CSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def read(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def test_compact_folded_and_spaced_headers_are_read() -> None:
    """RFC 3261 section 7.3.1: short names, lines that go on, space before the colon."""
    data = OPTIONS.replace(b"Via: ", b"v :\r\n  ").replace(b"From:", b"f\t:").replace(b"Call-ID", b"i")
    request = read(data)
    assert request.call_id == "one"
    assert top_via(request) == "SIP/2.0/UDP 192.0.2.7:5062;rport;branch=z9hG4bK1"


def test_a_response_echoes_what_the_request_said_to_the_letter() -> None:
    """Via, From, To, Call-ID and CSeq come back; To gets a tag, once."""
    request = read(OPTIONS)
    response = response_to(request, 200, to_tag="x", headers=[("X", "1"), ("X", "2")])
    assert response.headers["From"] == '"A, B" <sip:alice@192.0.2.7>;tag=a+b!'
    assert response.headers["To"] == "<sip:bob@192.0.2.1>;tag=x"
    assert response.headers.getlist("X") == ["1", "2"]
    assert response.phrase == "OK"
    request.headers.set("To", "<sip:bob@192.0.2.1>;tag=there")
    assert response_to(request, 200, to_tag="x").headers["To"].endswith("tag=there")


def test_the_source_is_written_into_the_via() -> None:
    """RFC 3581: rport gets the port, received the address; responses go back there."""
    request = read(OPTIONS)
    mark_source(request, ("127.0.0.1", 7777))
    via = top_via(request)
    assert (parameter(via, "rport"), parameter(via, "received")) == ("7777", "127.0.0.1")
    assert reply_address(request, ("127.0.0.1", 7777)) == ("127.0.0.1", 7777)


def test_without_rport_responses_go_to_the_port_that_via_names() -> None:
    """RFC 3261 section 18.2.2."""
    request = read(OPTIONS.replace(b";rport", b""))
    mark_source(request, ("192.0.2.7", 7777))
    assert parameter(top_via(request), "received") is None
    assert reply_address(request, ("192.0.2.7", 7777)) == ("192.0.2.7", 5062)


@pytest.mark.parametrize(
    ("change", "to"),
    [
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"),
        (b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 99999999999 OPTIONS"),
        (b"Content-Length: 0", b"Content-Length: 9"),
        (b"Content-Length: 0", b"Content-Length: -1"),
        (b";tag=a+b!", b""),
        (b";branch=z9hG4bK1", b""),
        (b"192.0.2.7:5062;", b"192.0.2.7:99999;"),
        (b"sip:bob@192.0.2.1 SIP", b"::: SIP"),
        (b"To: <sip:bob@192.0.2.1>", b"To: <<>"),
    ],
)
def test_a_broken_request_gets_400_with_its_own_headers(change: bytes, to: bytes) -> None:
    """As long as there is enough to answer to."""
    with pytest.raises(Malformed) as caught:
        parse(OPTIONS.replace(change, to))
    reply = caught.value.reply
    assert reply is not None
    assert reply.startswith(b"SIP/2.0 400 Bad Request\r\n")
    assert b"Call-ID: one\r\n" in reply


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 40,
        b"hello\r\n\r\n",
        OPTIONS.replace(b"Call-ID: one\r\n", b""),
        OPTIONS.replace(b"OPTIONS sip", b"ACK sip"),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 999 What\r\n" + OPTIONS.partition(b"\r\n")[2],
        OPTIONS.replace(b"bob", b"\xff\xfe").replace(b"CSeq", b"CSec"),
    ],
)
def test_what_cannot_be_answered_is_dropped(data: bytes) -> None:
    """Responses, ACKs, and requests that lack what an answer needs."""
    with pytest.raises(Malformed) as caught:
        parse(data)
    assert caught.value.reply is None


def test_the_body_ends_where_content_length_says() -> None:
    """What follows in the datagram is not ours (RFC 3261 section 18.3)."""
    assert read(OPTIONS.replace(b"Length: 0", b"Length: 2") + b"abc").body == b"ab"


def test_headers_are_replaced_by_name_and_cannot_be_split() -> None:
    """A line break in a value is no new header."""
    request = read(OPTIONS)
    put_headers(request, [("subject", "a\r\nEvil: b"), ("to", "<sip:x@192.0.2.2>")])
    assert request.headers.get("Evil") is None
    assert request.headers.getlist("To") == ["<sip:x@192.0.2.2>"]


@pytest.mark.parametrize(
    ("header", "uri", "tag"),
    [
        ('"<x>;tag=no" <sip:a@h;user=phone>;tag=7', "sip:a@h;user=phone", "7"),
        ("sip:a@h;tag=7", "sip:a@h", "7"),
        ("<sip:a@h;tag=inside>", "sip:a@h;tag=inside", None),
        ("Anna <sip:a@h> ; TAG = 7 ;x", "sip:a@h", "7"),
    ],
)
def test_uri_and_tag_are_found_in_every_form_of_address(header: str, uri: str, tag: str | None) -> None:
    """Names, brackets and parameters in any mixture."""
    assert (uri_of(header), tag_of(header)) == (uri, tag)


def test_lists_are_split_outside_quotes_and_brackets() -> None:
    """Record-Route and Contact may stand on one line."""
    assert split_values('"a, b" <sip:x,y@h>, <sip:z@h>;q=1') == ['"a, b" <sip:x,y@h>', "<sip:z@h>;q=1"]


@pytest.mark.parametrize(
    ("via", "address"),
    [
        ("SIP/2.0/UDP 192.0.2.1;branch=1", ("192.0.2.1", 5060)),
        ("SIP / 2.0 / UDP host.example.com : 5070 ;branch=1", ("host.example.com", 5070)),
        ("SIP/2.0/UDP [2001:db8::1]:5061;x", ("[2001:db8::1]", 5061)),
    ],
)
def test_sent_by_is_read_in_every_form(via: str, address: tuple[str, int]) -> None:
    """With and without port, with spaces, IPv6."""
    assert sent_by(via) == address


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:bob@192.0.2.1:5070;ob", ("192.0.2.1", 5070)),
        ("sip:192.0.2.1", ("192.0.2.1", 5060)),
        ("sip:bob@192.0.2.1;transport=tcp", None),
        ("sip:bob@host.example.com", None),
        ("sip:bob@0.0.0.0", None),
        ("nonsense", None),
    ],
)
def test_an_address_to_send_to_is_an_ipv4_address_for_udp(uri: str, address: tuple[str, int] | None) -> None:
    """Anything else is left to where the peer's messages come from."""
    assert address_of(uri) == address


def test_requests_of_a_dialog_follow_the_recorded_route() -> None:
    """Record-Route reversed for the caller, in order for the callee; the first one is where to send (section 12)."""
    invite = read(OPTIONS.replace(b"OPTIONS", b"INVITE"))
    invite.headers.setlist("Record-Route", ["<sip:192.0.2.10;lr>, <sip:192.0.2.11:5080;lr>"])
    invite.headers.set("Contact", "<sip:alice@10.0.0.1:5062>")
    callee = Dialog.of_request(invite, "t", ("192.0.2.7", 1))
    assert callee.destination() == ("192.0.2.10", 5060)
    answer = response_to(invite, 200, to_tag="t")
    answer.headers.setlist("Record-Route", invite.headers.getlist("Record-Route"))
    answer.headers.set("Contact", "<sip:bob@no.address>")
    caller = Dialog.of_response(invite, answer, ("192.0.2.1", 5060))
    assert caller.destination() == ("192.0.2.11", 5080)
    bye = caller.request("BYE")
    assert bye.headers.getlist("Route") == ["<sip:192.0.2.11:5080;lr>", "<sip:192.0.2.10;lr>"]
    assert (str(bye.uri), bye.cseq.sequence) == ("sip:bob@no.address", 2)
    caller.refresh(Response(200, "OK"), ("192.0.2.1", 5061))
    assert caller.target == "sip:bob@no.address"


@pytest.mark.timeout(30)
def test_long_runs_of_blanks_are_read_in_one_pass() -> None:
    """A datagram of blanks is answered like any other; backtracking over them took minutes."""
    blanks = " " * 60_000
    assert parameter(f"<sip:a@b>;tag{blanks}x", "tag") is None
    assert parameter(f"<sip:a@b>;tag{blanks}={blanks}x{blanks};q", "tag") == "x"
    with pytest.raises(ValueError, match="cannot be read"):
        sent_by(f"SIP/2.0/UDP 192.0.2.1{blanks}x")
    assert sent_by(f"SIP / 2.0 / UDP{blanks}192.0.2.1{blanks}:{blanks}5062{blanks};branch=1") == ("192.0.2.1", 5062)
