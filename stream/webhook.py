"""The carrier's forms, POST or in a query (D:xml/request, D:xml/stream). Pure.

Nothing signs them, so each field is believed only as far as the call that it names. Numbers and header values are
personal: no error quotes them and no `repr` shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from stream.errors import WebhookError
from stream.ids import is_id
from telephony.numbers import NumberError, parse_number

FIELDS_LIMIT: Final = 100
NAME_LIMIT: Final = 128
VALUE_LIMIT: Final = 2048
"""Characters; the longest documented value is a URL."""
HEADERS_LIMIT: Final = 32

Direction = Literal["inbound", "outbound"]

_HEADER: Final = "x-vh-"
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """What is told of a call when its document is asked for, or when it rings.

    `caller` is None when it is withheld; both numbers are E.164, or what the carrier wrote where that is no number.
    `event` is ``Ring``, ``StartApp`` or ``Hangup``; a redirection may have another. `headers` are the caller's SIP
    headers that begin with X-VH-, their names in small letters.
    """

    call_id: str
    caller: str | None = field(repr=False)
    called: str = field(repr=False)
    direction: Direction
    event: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HangupForm:
    """What is told once of a call that is over (Event=Hangup).

    `cause` is the carrier's name (``NORMAL_CLEARING``) and `cause_code` its number (D:concepts/hangup-causes);
    `source` says who ended it (``Caller``, ``Answer XML``, ``API Request``, …). `duration_s` and `billed_s` are whole
    seconds; billed ones are rounded up to the pulse. Whatever the carrier leaves out is "" or None.
    """

    call_id: str
    cause: str
    cause_code: int | None
    source: str
    duration_s: int | None
    billed_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamForm:
    """What a stream's status callback tells.

    `event` is ``StartStream``, ``PlayedStream``, ``ClearedAudio``, ``DegradedStream``, ``DroppedStream`` or
    ``StopStream`` (only after our `stop`). `name` is a played checkpoint's, `error` the carrier's words; else "".
    """

    call_id: str
    stream_id: str
    event: str
    name: str
    error: str


def read_call(fields: Mapping[str, Any]) -> CallForm:
    """Read the form of the answer webhook, which may also be told of ringing and of the end.

    Raises:
        WebhookError: it is too large, or has no call, called number, direction or event.
    """
    form = _Form(fields)
    direction = form.required("Direction").lower()
    if direction not in get_args(Direction):
        raise WebhookError("a form has a direction that is neither inbound nor outbound")
    return CallForm(
        call_id=form.id("CallUUID"),
        caller=_number(form.optional("From")) or None,
        called=_number(form.required("To")),
        direction="inbound" if direction == "inbound" else "outbound",
        event=form.required("Event"),
        headers=form.headers(),
    )


def read_hangup(fields: Mapping[str, Any]) -> HangupForm:
    """Read the form of the hang-up webhook.

    Raises:
        WebhookError: it is too large, names no call, or is another event's.
    """
    form = _Form(fields)
    if form.required("Event") != "Hangup":
        raise WebhookError("a form for the end of a call has another event")
    return HangupForm(
        call_id=form.id("CallUUID"),
        cause=form.optional("HangupCause") or form.optional("HangupCauseName"),
        cause_code=form.whole("HangupCauseCode"),
        source=form.optional("HangupSource"),
        duration_s=form.whole("Duration"),
        billed_s=form.whole("BillDuration"),
    )


def read_stream(fields: Mapping[str, Any]) -> StreamForm:
    """Read the form of a stream's status callback.

    Raises:
        WebhookError: it is too large, or names no call, no stream or no event.
    """
    form = _Form(fields)
    return StreamForm(
        call_id=form.id("CallUUID"),
        stream_id=form.id("StreamID"),
        event=form.required("Event"),
        name=form.optional("Name"),
        error=form.optional("Error"),
    )


class _Form:
    """Fields within bounds. Raises WebhookError."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        if len(fields) > FIELDS_LIMIT:
            raise WebhookError("a form has too many fields")
        for name, value in fields.items():
            if len(name) > NAME_LIMIT or not isinstance(value, str) or len(value) > VALUE_LIMIT:
                raise WebhookError("a form has a field that is too long, or a file")
        self._fields = fields

    def optional(self, name: str) -> str:
        """Return a field's text without the spaces around, "" without it."""
        text: str = self._fields.get(name, "").strip()
        if not text.isprintable():
            raise WebhookError("a form has a control character where it is read")
        return text

    def required(self, name: str) -> str:
        """Return a text that has to be there."""
        text = self.optional(name)
        if not text:
            raise WebhookError("a form lacks a field that every call has")
        return text

    def id(self, name: str) -> str:
        """Return the id of a call or a stream."""
        text = self.required(name)
        if not is_id(text):
            raise WebhookError("a form has an id that no call and no stream has")
        return text

    def whole(self, name: str) -> int | None:
        """Return a whole number that is not negative, None for anything else."""
        text = self.optional(name)
        return int(text) if _WHOLE.fullmatch(text) else None

    def headers(self) -> Mapping[str, str]:
        """Return the fields that the caller's SIP headers made."""
        names = [name for name in self._fields if name.lower().startswith(_HEADER)]
        if len(names) > HEADERS_LIMIT:
            raise WebhookError("a form has too many headers of the caller")
        return {name.lower(): self.optional(name) for name in names}


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberError:
        return text
