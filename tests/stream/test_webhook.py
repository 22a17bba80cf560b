"""Forms: fields that are used become values, what is missing or huge is one error."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import WebhookError
from stream.webhook import (
    FIELDS_LIMIT,
    HEADERS_LIMIT,
    NAME_LIMIT,
    VALUE_LIMIT,
    CallForm,
    HangupForm,
    StreamForm,
    read_call,
    read_hangup,
    read_stream,
)
from telephony.errors import WorldError

CALL, STREAM = "0b57e0a4-7a3f-4bf4-8b3e-6b6d3a2f9c11", "5d4a1f0e-1c84-4b0c-9a53-4f5cf6a3d2b1"
CALLER, NUMBER = "+919812345678", "+918071000001"
ASKED = {
    "CallUUID": CALL,
    "From": CALLER,
    "To": NUMBER,
    "Direction": "inbound",
    "CallStatus": "ringing",
    "Event": "StartApp",
    "ParentAuthID": "MA_TEST0001",
}
ENDED = ASKED | {
    "Event": "Hangup",
    "HangupCause": "NORMAL_CLEARING",
    "HangupCauseCode": "4000",
    "HangupCauseName": "NORMAL_CLEARING",
    "HangupSource": "Answer XML",
    "Duration": "61",
    "BillDuration": "120",
}
STATUS = {"CallUUID": CALL, "StreamID": STREAM, "Event": "PlayedStream", "Name": "resp-1", "From": CALLER}
READERS = {read_call: ASKED, read_hangup: ENDED, read_stream: STATUS}


def test_the_answer_webhook_tells_who_calls_whom():
    """With the headers of the caller's telephone system."""
    form = read_call(ASKED | {"X-VH-Clinic": "lotus", "x-vh-Lang": " hi "})
    assert form == CallForm(
        call_id=CALL,
        caller=CALLER,
        called=NUMBER,
        direction="inbound",
        event="StartApp",
        headers={"x-vh-clinic": "lotus", "x-vh-lang": "hi"},
    )


@pytest.mark.parametrize("written", ["918071000001", "08071000001", " +918071000001 ", "00918071000001"])
def test_a_number_is_the_same_in_every_form(written):
    """On either side."""
    form = read_call(ASKED | {"From": written, "To": written})
    assert (form.caller, form.called) == (NUMBER, NUMBER)


def test_what_is_no_number_stays_as_it_is():
    """A caller may be withheld, or have a name; outbound calls have another direction."""
    assert read_call(ASKED | {"From": "anonymous"}).caller == "anonymous"
    assert read_call(ASKED | {"From": ""}).caller is None
    assert read_call({name: value for name, value in ASKED.items() if name != "From"}).caller is None
    form = read_call(ASKED | {"To": "sip:lotus@h.in", "Direction": "Outbound", "Event": "Ring"})
    assert (form.called, form.direction, form.event) == ("sip:lotus@h.in", "outbound", "Ring")


def test_nothing_personal_is_shown():
    """Neither numbers nor headers."""
    shown = repr(read_call(ASKED | {"X-VH-Name": "Priya"}))
    assert not [word for word in (CALLER, NUMBER, "Priya") if word in shown]


def test_the_end_of_a_call_has_a_cause_and_lengths():
    """In whole seconds."""
    assert read_hangup(ENDED) == HangupForm(
        call_id=CALL, cause="NORMAL_CLEARING", cause_code=4000, source="Answer XML", duration_s=61, billed_s=120
    )


@pytest.mark.parametrize("odd", ["", "-1", "1.5", "1e3", "٣", "9" * 10, "soon"])
def test_an_end_is_an_end_without_its_figures(odd):
    """Nothing but the call has to be known."""
    form = read_hangup({"CallUUID": CALL, "Event": "Hangup", "Duration": odd, "BillDuration": odd})
    assert form == HangupForm(call_id=CALL, cause="", cause_code=None, source="", duration_s=None, billed_s=None)
    assert read_hangup(ENDED | {"HangupCause": ""}).cause == "NORMAL_CLEARING"


def test_an_end_is_not_another_event():
    """A form that came to the wrong address ends no call."""
    with pytest.raises(WebhookError):
        read_hangup(ASKED)


def test_a_stream_tells_its_events():
    """With what belongs to them."""
    expected = StreamForm(call_id=CALL, stream_id=STREAM, event="PlayedStream", name="resp-1", error="")
    assert read_stream(STATUS) == expected
    dropped = {"CallUUID": CALL, "StreamID": STREAM, "Event": "DroppedStream", "Error": "closed"}
    assert read_stream(dropped).error == "closed"


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        *((read_call, name) for name in ("CallUUID", "To", "Direction", "Event")),
        *((read_hangup, name) for name in ("CallUUID", "Event")),
        *((read_stream, name) for name in ("CallUUID", "StreamID", "Event")),
    ],
)
def test_what_every_form_has_must_be_there(reader, name):
    """Missing, empty, or spaces; a control character within."""
    form = READERS[reader]
    broken = [{key: value for key, value in form.items() if key != name}]
    broken += [form | {name: odd} for odd in ("", "  ", f"{form[name]}\x00x", "a\nb", "\ud800")]
    for each in broken:
        with pytest.raises(WebhookError) as caught:
            reader(each)
        assert isinstance(caught.value, WorldError)
        assert CALLER not in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "more",
    [
        {"CallUUID": "x" * 65},
        {"CallUUID": "two words"},
        {"CallUUID": "é"},
        {"Unknown": "x" * (VALUE_LIMIT + 1)},
        {"x" * (NAME_LIMIT + 1): ""},
        {"File": b"bytes"},
        {"File": None},
        {f"field {n}": "" for n in range(FIELDS_LIMIT)},
    ],
)
def test_what_is_huge_or_no_text_is_refused(reader, more):
    """Also in fields that nobody reads."""
    with pytest.raises(WebhookError):
        reader(READERS[reader] | more)


@pytest.mark.parametrize(
    "more",
    [
        {"Direction": "sideways"},
        {"From": "a\x1bb"},
        {"X-VH-A": "a\nb"},
        {f"X-VH-{n}": "" for n in range(HEADERS_LIMIT + 1)},
    ],
)
def test_what_no_call_has_is_refused(more):
    """A direction that is none, control characters, a heap of headers."""
    with pytest.raises(WebhookError):
        read_call(ASKED | more)


_KEYS = st.sampled_from([*ENDED, *STATUS, "X-VH-A", "Error"]) | st.text(max_size=20)
_VALUES = st.text(st.characters(), max_size=40) | st.sampled_from([CALL, NUMBER, "Hangup", "inbound", "+", "00"])


@given(st.dictionaries(_KEYS, _VALUES | st.none() | st.binary(max_size=3)), st.booleans())
def test_no_form_raises_anything_else(fields: dict[str, Any], is_complete):
    """Whatever stands in it."""
    for reader, form in READERS.items():
        with contextlib.suppress(WebhookError):
            reader(form | fields if is_complete else fields)
