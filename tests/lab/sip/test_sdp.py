"""Session descriptions: offers, answers, and what others write."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sip.sdp import Payload, Sdp, SdpError, answer, offer

BARESIP = b"""v=0\r
o=- 3216 4131 IN IP4 192.0.2.7\r
s=-\r
c=IN IP4 192.0.2.7\r
t=0 0\r
a=tool:baresip 1.0.0\r
m=video 10002 RTP/AVP 97\r
a=rtpmap:97 H264/90000\r
m=audio 10000 RTP/AVP 96 0 8 101\r
c=IN IP4 192.0.2.9/127\r
a=rtpmap:96 opus/48000/2\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 pcma/8000\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=sendonly\r
a=ptime:20\r
"""


def test_an_offer_is_read_as_it_was_written() -> None:
    """Codecs in order, digits, address, port."""
    ours = offer("192.0.2.1", 4000, codecs=("G722", "PCMU", "PCMA"))
    theirs = Sdp.parse(ours.to_bytes())
    assert theirs.payloads == (
        Payload(9, "G722"), Payload(0, "PCMU"), Payload(8, "PCMA"), Payload(101, "telephone-event"),
    )  # fmt: skip
    assert (theirs.remote, theirs.dtmf_payload_type, theirs.audio.name) == (("192.0.2.1", 4000), 101, "G722")
    assert offer("192.0.2.1", 4000, dtmf=None).dtmf_payload_type is None


def test_what_others_write_is_understood() -> None:
    """Media-level address and direction, names in any case, other media, dynamic payload types."""
    sdp = Sdp.parse(BARESIP)
    assert sdp.remote == ("192.0.2.9", 10000)
    assert sdp.direction == "sendonly"
    assert [payload.name for payload in sdp.payloads] == ["OPUS", "PCMU", "PCMA", "telephone-event"]
    assert sdp.audio_index == 1


def test_an_answer_takes_one_codec_and_refuses_other_media() -> None:
    """Our preference decides, with the offer's payload types, and each m= line gets its place (RFC 3264)."""
    reply = answer(Sdp.parse(BARESIP), "192.0.2.1", 5000, prefer=("G722", "PCMA", "PCMU"))
    assert (reply.audio, reply.dtmf_payload_type, reply.direction) == (Payload(8, "PCMA"), 101, "recvonly")
    text = reply.to_bytes().decode()
    assert text.index("m=video 0 RTP/AVP 97") < text.index("m=audio 5000 RTP/AVP 8 101")
    assert Sdp.parse(reply.to_bytes()).audio.name == "PCMA"


@pytest.mark.parametrize(("offered", "answered"), [("sendonly", "recvonly"), ("inactive", "inactive")])
def test_directions_are_mirrored(offered: str, answered: str) -> None:
    """Hold is answered as hold."""
    held = offer("192.0.2.1", 4000).to_bytes().replace(b"a=sendrecv", f"a={offered}".encode())
    assert answer(Sdp.parse(held), "192.0.2.2", 5000).direction == answered


def test_a_stream_without_address_or_port_sends_nowhere() -> None:
    """Port 0 is refused, 0.0.0.0 is on hold."""
    ours = offer("192.0.2.1", 4000).to_bytes()
    assert Sdp.parse(ours.replace(b"m=audio 4000", b"m=audio 0")).remote is None
    assert Sdp.parse(ours.replace(b"192.0.2.1", b"0.0.0.0")).remote is None


def test_nothing_in_common_is_an_error_that_names_both_sides() -> None:
    """No codec, or encryption only."""
    opus = BARESIP.replace(b"96 0 8 101", b"96 101")
    with pytest.raises(SdpError, match=r"offered OPUS, spoken here PCMU"):
        answer(Sdp.parse(opus), "192.0.2.1", 5000, prefer=("PCMU",))
    with pytest.raises(SdpError, match="RTP/SAVP"):
        answer(Sdp.parse(BARESIP.replace(b"RTP/AVP 96", b"RTP/SAVP 96")), "192.0.2.1", 5000)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"hello",
        b"v=0\r\n",
        b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP6 ::1\r\nm=audio 4000 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio x RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 300\r\n",
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000\r\n",
        b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:x y\r\n",
        b"v=0\r\nwhat\r\n",
    ],
)
def test_what_is_no_audio_session_is_refused(broken: bytes) -> None:
    """One error kind for every way to be wrong."""
    with pytest.raises(SdpError):
        answer(Sdp.parse(broken), "192.0.2.1", 5000)


@given(
    st.binary(max_size=300)
    | st.builds(lambda a, b: BARESIP[:a] + BARESIP[b:], st.integers(0, 400), st.integers(0, 400))
)
def test_any_bytes_are_a_session_or_an_sdp_error(data: bytes) -> None:
    """Reading raises nothing else."""
    with contextlib.suppress(SdpError):
        Sdp.parse(data).to_bytes()
