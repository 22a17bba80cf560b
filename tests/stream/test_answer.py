"""The documents: what the carrier's own reader makes of them, hostile texts included."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.vobiz.calls.voice_xml import Element, parse_document
from stream.answer import (
    DOCUMENT_LIMIT,
    URL_LIMIT,
    fallback_document,
    full_document,
    hangup_document,
    stream_document,
)
from stream.errors import AnswerError
from stream.media_format import MediaFormat
from telephony.errors import UserError

SOCKET, STATUS = "wss://voice.example.in/ws/AbC-_1", "https://voice.example.in/status"
NUMBER, OURS = "+919812345678", "+918071000001"
streamed = partial(
    stream_document, socket_url=SOCKET, media_format=MediaFormat.MULAW_8000, status_url=STATUS, max_retries=3
)


def test_a_stream_has_every_attribute():
    """Its text is the socket's URL."""
    assert parse_document(streamed()) == [
        Element(
            name="Stream",
            attributes={
                "bidirectional": "true",
                "audioTrack": "inbound",
                "keepCallAlive": "true",
                "contentType": "audio/x-mulaw;rate=8000",
                "statusCallbackUrl": STATUS,
                "maxRetries": "3",
            },
            text=SOCKET,
        )
    ]


def test_the_end_is_an_end():
    """And nothing else."""
    assert parse_document(hangup_document()) == [Element(name="Hangup")]


def test_linear_sound_is_asked_for_by_its_name():
    """With its rate."""
    (stream,) = parse_document(streamed(media_format=MediaFormat.L16_16000))
    assert stream.attributes["contentType"] == "audio/x-l16;rate=16000"


def test_after_a_stream_another_document_may_be_asked_for():
    """It stands behind the stream."""
    after = "https://voice.example.in/after?a=1&b=2"
    stream, redirect = parse_document(streamed(after_url=after))
    assert stream.name == "Stream"
    assert redirect == Element(name="Redirect", text=after)


@pytest.mark.parametrize("tail", ["?a=1&b=2", "/<Hangup/>", "/'\"", "/]]>", "/&amp;", "/?x=%20%26"])
def test_no_address_becomes_markup(tail):
    """It arrives as it was written."""
    stream, redirect = parse_document(
        streamed(socket_url=SOCKET + tail, status_url=STATUS + tail, after_url=STATUS + tail)
    )
    assert (stream.text, stream.attributes["statusCallbackUrl"], redirect.text) == (
        SOCKET + tail,
        STATUS + tail,
        STATUS + tail,
    )
    assert not stream.children


@pytest.mark.parametrize(
    "address",
    [
        "",
        "wss://",
        "//host/path",
        "ftp://host/path",
        "WSS://host/path",
        "javascript:alert(1)",
        " wss://host/path",
        "wss://host/a b",
        "wss://host/path\n",
        "wss://host/\x00",
        "wss://host/\x1f",
        "wss://höst/path",
        "wss://host/\ud800",
        "wss://host/" + "x" * URL_LIMIT,
    ],
)
def test_what_is_no_address_is_refused(address):
    """In each of the three places, as the user's mistake."""
    others = address.replace("wss", "https")
    for given_urls in ({"socket_url": address}, {"status_url": others}, {"after_url": others}):
        with pytest.raises(AnswerError) as caught:
            streamed(**given_urls)
        assert isinstance(caught.value, UserError)
        assert str(caught.value).isprintable()


def test_each_address_has_its_own_scheme():
    """A socket is no page."""
    for wrong in ({"socket_url": STATUS}, {"status_url": SOCKET}, {"after_url": SOCKET}):
        with pytest.raises(AnswerError):
            streamed(**wrong)
    assert parse_document(streamed(socket_url="ws://127.0.0.1:9/x", status_url="http://127.0.0.1:9/y"))


@pytest.mark.parametrize("retries", [-1, 11])
def test_the_carrier_opens_a_socket_again_at_most_ten_times(retries):
    """More would be ignored."""
    with pytest.raises(AnswerError):
        streamed(max_retries=retries)


def test_a_full_house_says_so_and_hangs_up():
    """In any script."""
    assert parse_document(full_document(sentence='अभी सब व्यस्त हैं & "sorry" <b>\'')) == [
        Element(name="Speak", text='अभी सब व्यस्त हैं & "sorry" <b>\''),
        Element(name="Hangup"),
    ]


@given(st.text(st.characters(), min_size=1))
def test_any_sentence_is_a_document(sentence):
    """What XML cannot hold is a space; the rest arrives, line ends as XML normalises them (section 2.11)."""
    try:
        speak, hangup = parse_document(full_document(sentence=sentence))
    except AnswerError:
        assert not [c for c in sentence if c.isprintable() and not c.isspace() and c.isascii()]
        return
    assert (speak.name, hangup.name, speak.children) == ("Speak", "Hangup", [])
    legal = "".join(c if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff") else " " for c in sentence)
    legal = legal.replace("\ufffe", " ").replace("\uffff", " ")
    assert speak.text == legal.replace("\r\n", "\n").replace("\r", "\n").strip()


@pytest.mark.parametrize("sentence", ["", "  ", "\x00\x01", "x" * DOCUMENT_LIMIT, "अ" * (DOCUMENT_LIMIT // 2)])
def test_a_sentence_that_cannot_be_said_is_refused(sentence):
    """Nothing, or more than the carrier reads."""
    with pytest.raises(AnswerError):
        full_document(sentence=sentence)


def test_a_full_house_may_connect_to_somebody_else():
    """The caller is answered first; the caller id is a number of the account's."""
    dial = Element(name="Dial", attributes={"callerId": OURS}, children=[Element(name="Number", text=NUMBER)])
    assert parse_document(fallback_document(number=NUMBER, caller_id=OURS)) == [
        Element(name="Wait", attributes={"length": "1"}),
        dial,
    ]
    assert parse_document(fallback_document(number=NUMBER, caller_id=OURS, sentence="One moment & more")) == [
        Element(name="Speak", text="One moment & more"),
        dial,
    ]


@pytest.mark.parametrize("number", ["", "919812345678", "+91 98123 45678", f"{NUMBER}\n", f"{NUMBER}</Number>", "+٩١٩"])
def test_only_numbers_are_dialled(number):
    """Neither is quoted in the refusal."""
    for numbers in ({"number": number, "caller_id": OURS}, {"number": NUMBER, "caller_id": number}):
        with pytest.raises(AnswerError) as caught:
            fallback_document(**numbers)
        assert NUMBER not in str(caught.value)
