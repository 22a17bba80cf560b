"""Channel names, the envelope, and what errors carry."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from livekit.protocol import sip

from lab.psrpc.errors import code_of_status, sip_error
from lab.psrpc.messages import SIP
from lab.psrpc.wire import channel, name_of, new_id, pack, unpack


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("IOInfo", "CLI_x", "RES"), "IOInfo|CLI_x|RES"),
        (("SIPInternal", "CreateSIPParticipant", "", "REQ"), "SIPInternal|CreateSIPParticipant|REQ"),
        (("S", "a-b.c"), "S|au+002dbu+002ec"),
        (("S", "é"), "S|u+00e9"),
        (("S", "\U0001f600"), "S|U+0001f600"),
    ],
)
def test_channel_names_are_those_of_livekit(parts: tuple[str, ...], name: str) -> None:
    """Parts are joined, empty ones left out, foreign characters written as their code point."""
    assert channel(*parts) == name


def test_an_envelope_comes_back_as_it_was() -> None:
    """Every field survives, and the message knows its name."""
    message = unpack(pack("Request", request_id="REQ_1", client_id="CLI_1", sent_at=1, expiry=2, raw_request=b"x"))
    assert name_of(message) == "Request"
    assert (message.request_id, message.client_id, message.raw_request) == ("REQ_1", "CLI_1", b"x")


@pytest.mark.parametrize("data", [b"\xff", b"hello"])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    """Noise on a channel raises instead of becoming a message."""
    with pytest.raises((DecodeError, KeyError)):
        unpack(data)


def test_ids_differ() -> None:
    """A prefix and twelve characters, never the same twice."""
    made = {new_id("REQ_") for _ in range(1000)}
    assert len(made) == 1000
    assert all(text.startswith("REQ_") and len(text) == 16 for text in made)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (202, "unknown"),
        (302, "not_found"),
        (400, "invalid_argument"),
        (404, "not_found"),
        (407, "unauthenticated"),
        (408, "deadline_exceeded"),
        (480, "resource_exhausted"),
        (486, "resource_exhausted"),
        (487, "aborted"),
        (488, "invalid_argument"),
        (500, "failed_precondition"),
        (504, "deadline_exceeded"),
        (505, "invalid_argument"),
        (600, "resource_exhausted"),
        (603, "permission_denied"),
        (606, "invalid_argument"),
    ],
)
def test_codes_of_sip_statuses(status: int, code: str) -> None:
    """The code that livekit-sip derives from a SIP status."""
    assert code_of_status(status) == code


def test_an_error_carries_its_sip_status() -> None:
    """The detail is a livekit.SIPStatus, from which livekit-server makes the API's metadata."""
    [detail] = sip_error(486, "Busy Here").packed_details()
    status = sip.SIPStatus()
    assert detail.Unpack(status)
    assert (status.code, status.status) == (486, "Busy Here")


def test_optional_and_map_fields() -> None:
    """Presence is kept for display_name, and maps and durations are of the right kind."""
    request = SIP["InternalCreateSIPParticipantRequest"](number="1", headers={"X-A": "b"})
    request.ringing_timeout.FromSeconds(3)
    again = SIP["InternalCreateSIPParticipantRequest"].FromString(request.SerializeToString())
    assert not again.HasField("display_name")
    assert dict(again.headers) == {"X-A": "b"}
    assert again.ringing_timeout.seconds == 3
