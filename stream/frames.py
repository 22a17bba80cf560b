"""The text frames of a stream's socket: what Vobiz sends, and what it is sent (D:xml/stream). Pure.

Every frame that we send names its stream. Sound is base64 in both directions.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stream.errors import FrameError
from stream.ids import is_id
from stream.media_format import MediaFormat

FRAME_LIMIT: Final = 64 * 1024
"""Characters of a frame's text; 20 ms of sound take about 400."""
NAME_LIMIT: Final = 128
"""Characters of a checkpoint's name, and of an event's."""
DIGITS: Final = "0123456789*#ABCD"

_WHOLE: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_NAME: Final = re.compile(rf"[ -~]{{1,{NAME_LIMIT}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first frame of a socket. A socket that was opened again has the same call and another stream."""

    call_id: str
    stream_id: str
    media_format: MediaFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Sound of the caller, usually 20 ms; linear samples are big-endian here (vendor's samples, no page says so).

    `chunk` counts the sounds of a stream and `timestamp_ms` is the carrier's clock since 1970; each is None when it
    is not told, or not as a number. `stream_id` is None when the frame does not name its stream.
    """

    payload: bytes = field(repr=False)
    chunk: int | None = None
    timestamp_ms: int | None = None
    stream_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """A key that the caller pressed: one of `DIGITS`. The page does not show its frame; clients agree on this one."""

    digit: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Everything before the checkpoint of this name was played to the end."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What waited to be played was thrown away, with its checkpoints."""


Frame = Start | Media | Digit | Played | Cleared


def parse_frame(text: str | bytes) -> Frame | None:
    """Read a frame; None for one that means nothing here: an unknown event, ``stop``, sound of another track.

    Raises:
        FrameError: it is longer than `FRAME_LIMIT`, no JSON object, or lacks what its event needs.
    """
    frame = _object(text)
    event = frame.get("event")
    if not _is_name(event):
        raise FrameError("a frame has no event, or one whose name is too long")
    match event:
        case "start":
            return _start(frame)
        case "media":
            return _media(frame)
        case "dtmf":
            return _digit(frame)
        case "playedStream":
            return _played(frame)
        case "clearedAudio":
            return Cleared()
        case _:
            return None


def play_audio(stream_id: str, payload: bytes, media_format: MediaFormat) -> str:
    """Return the frame that plays sound after all that was sent before; linear samples are little-endian.

    Raises:
        ValueError: there is no sound, or half a sample.
    """
    if not payload or len(payload) % media_format.sample_bytes:
        raise ValueError("the sound is empty or ends within a sample")
    media = {
        "contentType": media_format.content_type,
        "sampleRate": media_format.rate,
        "payload": base64.b64encode(payload).decode("ascii"),
    }
    return _text("playAudio", stream_id, media=media)


def checkpoint(stream_id: str, name: str) -> str:
    """Return the frame that asks to be told (`Played`) when everything before it has been played.

    Raises:
        ValueError: the name is not 1 to `NAME_LIMIT` characters of printable ASCII.
    """
    if not _is_name(name):
        raise ValueError("a checkpoint's name is not 1 to 128 characters of printable ASCII")
    return _text("checkpoint", stream_id, name=name)


def clear_audio(stream_id: str) -> str:
    """Return the frame that throws away what was sent and not played yet (`Cleared` answers it)."""
    return _text("clearAudio", stream_id)


def stop(stream_id: str) -> str:
    """Return the frame that ends the stream: the call goes on with the document's next element, or ends."""
    return _text("stop", stream_id)


def _text(event: str, stream_id: str, **fields: Any) -> str:
    return json.dumps({"event": event, "streamId": stream_id, **fields}, separators=(",", ":"))


def _object(text: str | bytes) -> Mapping[str, Any]:
    if len(text) > FRAME_LIMIT:
        raise FrameError("a frame is longer than 64 KiB")
    try:
        # The library would guess another encoding for bytes.
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError):
        raise FrameError("a frame is not JSON") from None
    if not isinstance(value, dict):
        raise FrameError("a frame is not a JSON object")
    return value


def _start(frame: Mapping[str, Any]) -> Start:
    start = _inner(frame, "start")
    # The page has the ids inside; some of the vendor's samples read them beside it.
    call_id, stream_id = (start.get(name, frame.get(name)) for name in ("callId", "streamId"))
    if not (is_id(call_id) and is_id(stream_id)):
        raise FrameError("a start frame has no call id or no stream id")
    told = _inner(start, "mediaFormat")
    for media_format in MediaFormat:
        if (told.get("encoding"), _whole(told.get("sampleRate"))) == (media_format.content_type, media_format.rate):
            return Start(call_id=str(call_id), stream_id=str(stream_id), media_format=media_format)
    raise FrameError("a start frame has a sound format that is not spoken here")


def _media(frame: Mapping[str, Any]) -> Media | None:
    media = _inner(frame, "media")
    if media.get("track", "inbound") != "inbound":
        return None
    try:
        payload = base64.b64decode(_str(media.get("payload")), validate=True)
    except ValueError:
        raise FrameError("a media frame's payload is not base64") from None
    stream_id = frame.get("streamId")
    if stream_id is not None and not is_id(stream_id):
        raise FrameError("a media frame's stream id is none")
    return Media(
        payload=payload,
        chunk=_whole(media.get("chunk")),
        timestamp_ms=_whole(media.get("timestamp")),
        stream_id=stream_id,
    )


def _digit(frame: Mapping[str, Any]) -> Digit:
    digit = _inner(frame, "dtmf").get("digit")
    if not isinstance(digit, str) or len(digit) != 1 or digit not in DIGITS:
        raise FrameError("a dtmf frame has no digit")
    return Digit(digit=digit)


def _played(frame: Mapping[str, Any]) -> Played:
    name = frame.get("name")
    if not _is_name(name):
        raise FrameError("a playedStream frame has no name, or a name that no checkpoint had")
    return Played(name=_str(name))


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise FrameError("a frame lacks the object that its event needs")
    return value


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise FrameError("a frame has no text where its event needs one")
    return value


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _whole(value: Any) -> int | None:
    """Return a whole number, which the carrier writes as a number or as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value) if isinstance(value, str) or abs(value) < 10**15 else ""
    return int(text) if _WHOLE.fullmatch(text) else None
