"""Frames: what the carrier sends is read, what nobody sends is one error, what is sent says what the carrier reads."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import FrameError
from stream.frames import (
    DIGITS,
    FRAME_LIMIT,
    NAME_LIMIT,
    Cleared,
    Digit,
    Media,
    Played,
    Start,
    checkpoint,
    clear_audio,
    parse_frame,
    play_audio,
    stop,
)
from stream.media_format import MediaFormat
from telephony.errors import WorldError

STREAM, CALL = "5d4a1f0e-1c84-4b0c-9a53-4f5cf6a3d2b1", "0b57e0a4-7a3f-4bf4-8b3e-6b6d3a2f9c11"
START: dict[str, Any] = {
    "sequenceNumber": 0,
    "event": "start",
    "start": {
        "callId": CALL,
        "streamId": STREAM,
        "accountId": "500025",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    },
    "extra_headers": "{}",
}


def media(**fields: Any) -> dict[str, Any]:
    inner = {"track": "inbound", "timestamp": "1778597597091", "chunk": 2, "payload": "//8A"} | fields
    return {"sequenceNumber": 2, "streamId": STREAM, "event": "media", "media": inner}


def start(**fields: Any) -> dict[str, Any]:
    return START | {"start": START["start"] | fields}


def test_a_start_names_call_stream_and_format():
    """In every format that is spoken here, its rate written as a number or as a text."""
    expected = Start(call_id=CALL, stream_id=STREAM, media_format=MediaFormat.MULAW_8000)
    assert parse_frame(json.dumps(START)) == expected
    assert parse_frame(json.dumps(START).encode()) == expected
    told = {"encoding": "audio/x-l16", "sampleRate": "16000"}
    wide = parse_frame(json.dumps(start(mediaFormat=told)))
    assert isinstance(wide, Start)
    assert wide.media_format is MediaFormat.L16_16000


def test_the_ids_of_a_start_may_stand_beside_it():
    """As some of the vendor's samples read them."""
    inner = {"mediaFormat": START["start"]["mediaFormat"]}
    frame = parse_frame(json.dumps({"event": "start", "start": inner, "callId": CALL, "streamId": STREAM}))
    assert isinstance(frame, Start)
    assert (frame.call_id, frame.stream_id) == (CALL, STREAM)


def test_sound_is_decoded():
    """With its place in the stream."""
    assert parse_frame(json.dumps(media())) == Media(
        payload=b"\xff\xff\x00", chunk=2, timestamp_ms=1778597597091, stream_id=STREAM
    )


@pytest.mark.parametrize("odd", [None, "soon", -1, 1.5, True, 10**400, "9" * 400, "٣", [], {}])
def test_sound_is_heard_whatever_its_count_is(odd):
    """A count that is none is not told; the sound is."""
    frame = parse_frame(json.dumps(media(chunk=odd, timestamp=odd)))
    assert frame == Media(payload=b"\xff\xff\x00", stream_id=STREAM)


def test_neither_sound_nor_digits_are_shown():
    """They are the caller's."""
    assert "//8A" not in repr(parse_frame(json.dumps(media())))
    assert "7" not in repr(Digit(digit="7"))


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_is_one_key(digit):
    """With or without the stream's id."""
    frame = {"event": "dtmf", "dtmf": {"digit": digit}}
    assert parse_frame(json.dumps(frame)) == parse_frame(json.dumps(frame | {"streamId": STREAM})) == Digit(digit=digit)


def test_answers_to_our_own_frames_are_read():
    """A played checkpoint does not name its stream."""
    assert parse_frame('{"event":"playedStream","name":"resp-1"}') == Played(name="resp-1")
    assert parse_frame(json.dumps({"event": "clearedAudio", "streamId": STREAM})) == Cleared()


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "stop", "streamId": STREAM},
        {"event": "stop"},
        {"event": "mark", "mark": 1},
        {"event": "DTMF"},
        media(track="outbound"),
        media(track=None),
    ],
)
def test_what_means_nothing_here_is_ignored(frame):
    """Also ``stop``, which is not documented in this direction, and our own sound."""
    assert parse_frame(json.dumps(frame)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"start"',
        "{",
        "{}",
        '{"event":1}',
        '{"event":""}',
        '{"event":"a\\nb"}',
        '{"event":"\\ud800"}',
        '{"event":"é"}',
        json.dumps({"event": "x" * (NAME_LIMIT + 1)}),
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"event":"stop"}'.encode("utf-16"),
        "[" * FRAME_LIMIT,
        '{"a":' * 10_000,
        '{"event":' + "9" * 5000 + "}",
        '{"event":"stop"}' + " " * FRAME_LIMIT,
        b'{"event":"stop"}' + b" " * FRAME_LIMIT,
        {"event": "start"},
        {"event": "start", "start": []},
        start(callId=None),
        start(callId=""),
        start(callId="x" * 65),
        start(callId="two words"),
        start(callId="a\n"),
        start(streamId=7),
        start(streamId={}),
        start(mediaFormat=None),
        start(mediaFormat={"encoding": "audio/x-l16", "sampleRate": 8000}),
        start(mediaFormat={"encoding": "audio/x-mulaw"}),
        start(mediaFormat={"encoding": "audio/x-mulaw", "sampleRate": True}),
        start(mediaFormat={"encoding": [], "sampleRate": 8000}),
        {"event": "media"},
        {"event": "media", "media": None},
        media(payload=None),
        media(payload=1),
        media(payload="A"),
        media(payload="AA=A"),
        media(payload="////\n"),
        media(payload="-_-_"),
        media(payload="ä" * 4),
        media() | {"streamId": 1},
        media() | {"streamId": "x" * 65},
        {"event": "dtmf"},
        {"event": "dtmf", "dtmf": "5"},
        *({"event": "dtmf", "dtmf": {"digit": digit}} for digit in ("", "55", "x", "٣", 5, None, ["5"])),
        {"event": "playedStream"},
        *({"event": "playedStream", "name": name} for name in (None, "", 1, "a\0", "\ud800", "x" * (NAME_LIMIT + 1))),
    ],
)
def test_what_no_carrier_sends_is_one_error(text):
    """Its one line quotes nothing."""
    with pytest.raises(FrameError) as caught:
        parse_frame(json.dumps(text) if isinstance(text, dict) else text)
    assert isinstance(caught.value, WorldError)
    assert caught.value.__cause__ is None
    assert str(caught.value).isprintable()


def test_a_frame_may_be_as_long_as_the_limit():
    """Not a character more: see above."""
    text = json.dumps(media(payload="A" * (FRAME_LIMIT - 512)))
    frame = parse_frame(text.ljust(FRAME_LIMIT))
    assert isinstance(frame, Media)
    assert len(frame.payload) == (FRAME_LIMIT - 512) * 3 // 4


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(STREAM)
_EVENTS = st.sampled_from(["start", "media", "dtmf", "playedStream", "clearedAudio", "stop"]) | _LEAVES
_NAMES = st.sampled_from(["callId", "streamId", "mediaFormat", "encoding", "sampleRate", "payload", "track", "digit"])
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES | st.text(), inner), max_leaves=12)
_FRAMES = st.fixed_dictionaries(
    {"event": _EVENTS}, optional=dict.fromkeys(("start", "media", "dtmf", "name", "streamId", "callId"), _JSON)
)


def reads_or_refuses(text: str | bytes) -> None:
    with contextlib.suppress(FrameError):
        parse_frame(text)


@given(st.binary() | st.text())
def test_arbitrary_texts_never_raise_anything_else(text):
    """Bytes and characters that have nothing to do with JSON."""
    reads_or_refuses(text)


@given(_JSON | _FRAMES)
def test_arbitrary_json_never_raises_anything_else(value):
    """Nor values of the wrong kind at any place."""
    reads_or_refuses(json.dumps(value))


@given(st.sampled_from([json.dumps(START), json.dumps(media())]), st.data())
def test_a_changed_frame_never_raises_anything_else(text, data):
    """A character that is another, missing or doubled."""
    at = data.draw(st.integers(0, len(text) - 1))
    reads_or_refuses(text[:at] + data.draw(st.text(max_size=2)) + text[at + 1 :])


@given(st.sampled_from(MediaFormat), st.binary(min_size=1, max_size=2000).map(lambda half: half * 2))
def test_sound_that_is_played_says_what_it_is(media_format, payload):
    """As the carrier reads it (D:xml/stream): format, rate as a number, base64, and always the stream."""
    assert json.loads(play_audio(STREAM, payload, media_format)) == {
        "event": "playAudio",
        "streamId": STREAM,
        "media": {
            "contentType": media_format.content_type,
            "sampleRate": media_format.rate,
            "payload": base64.b64encode(payload).decode(),
        },
    }


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=NAME_LIMIT))
def test_a_checkpoint_comes_back_under_its_name(name):
    """Quotes and backslashes as well."""
    sent = json.loads(checkpoint(STREAM, name))
    assert sent == {"event": "checkpoint", "streamId": STREAM, "name": name}
    assert parse_frame(json.dumps({"event": "playedStream", "name": sent["name"]})) == Played(name=name)


def test_the_other_frames_name_their_stream():
    """Nothing else is in them."""
    assert json.loads(clear_audio(STREAM)) == {"event": "clearAudio", "streamId": STREAM}
    assert json.loads(stop(STREAM)) == {"event": "stop", "streamId": STREAM}


@pytest.mark.parametrize(
    ("payload", "media_format"),
    [(b"", MediaFormat.MULAW_8000), (b"", MediaFormat.L16_16000), (b"123", MediaFormat.L16_16000)],
)
def test_half_a_sample_is_never_sent(payload, media_format):
    """Nor nothing."""
    with pytest.raises(ValueError, match="sample"):
        play_audio(STREAM, payload, media_format)


@pytest.mark.parametrize("name", ["", "x" * (NAME_LIMIT + 1), "a\n", "é"])
def test_a_checkpoint_has_a_name_that_can_come_back(name):
    """Otherwise its end would be an error."""
    with pytest.raises(ValueError, match="checkpoint"):
        checkpoint(STREAM, name)


def test_20_ms_have_the_documented_sizes():
    """160 and 640 bytes."""
    assert [each.frame_bytes for each in (MediaFormat.MULAW_8000, MediaFormat.L16_16000)] == [160, 640]
