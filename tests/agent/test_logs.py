"""agent/logs.py: one line per record, personal data only where it was asked for."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from agent.logs import ErrorsAsFields, FieldFormatter, LogFormat


def line(
    message: str = "call taken",
    *,
    form: LogFormat = "text",
    personal: bool = False,
    name: str = "dialroom.call",
    failing: bool = False,
    **fields: Any,
) -> str:
    """Return the line of a record, as the worker's handler writes it."""
    exc_info = None
    if failing:
        try:
            raise ValueError("+919812345678 said no")
        except ValueError:
            exc_info = sys.exc_info()
    record = logging.getLogger(name).makeRecord(name, logging.INFO, "file.py", 1, message, (), exc_info, extra=fields)
    ErrorsAsFields().filter(record)
    return FieldFormatter(form, personal=personal).format(record)


def test_fields_stand_behind_a_static_message() -> None:
    """Text for people."""
    assert line(call_id="SCL_1", turns=3).endswith("call taken call_id=SCL_1 turns=3")


def test_json_lines_hold_the_same_for_machines() -> None:
    """One object per line."""
    written = json.loads(line(form="json", call_id="SCL_1"))
    assert {key: written[key] for key in ("message", "level", "logger", "call_id")} == {
        "message": "call taken",
        "level": "INFO",
        "logger": "dialroom.call",
        "call_id": "SCL_1",
    }
    assert written["at"].endswith("+00:00")


@pytest.mark.parametrize("form", ["text", "json"])
def test_personal_fields_are_left_out_unless_asked_for(form: LogFormat) -> None:
    """The name of a room holds the caller's number: livekit-sip puts it there."""
    fields: dict[str, Any] = {"pii_caller": "+919812345678", "room": "call-_+919812345678_x"}
    assert "9812345678" not in line(form=form, **fields)
    assert line(form=form, personal=True, **fields).count("9812345678") == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_told_by_type_and_place(form: LogFormat) -> None:
    """Its text may quote a caller, so it is personal too."""
    written = line(form=form, failing=True)
    assert "ValueError" in written
    assert "test_logs.py" in written
    assert "9812345678" not in written
    assert "9812345678 said no" in line(form=form, failing=True, personal=True)


def test_other_libraries_messages_are_cut_and_masked() -> None:
    """They are not ours to trust: first line only, long numbers masked, no fields."""
    written = line("cannot dial +91 98123 45678\nstack", name="livekit.agents", room_name="+919812345678", body="hello")
    assert written.endswith("cannot dial …")


def test_other_libraries_lines_still_tell_their_call() -> None:
    """Otherwise nobody could tie a warning to a call."""
    assert "call_id=SCL_1" in line("slow", name="livekit.agents", call_id="SCL_1")
