"""Hours as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from telephony.manifest.hours import Hours, is_open

INDIA = ZoneInfo("Asia/Kolkata")
WORK, NIGHT = ("Mon-Fri 09:00-18:00",), ("Fri-Sat 22:00-06:00",)


def at(day: int, clock: str) -> datetime:
    """Return a time of the week that begins on Monday, 23 November 2026."""
    hour, minute = clock.split(":")
    return datetime(2026, 11, 23 + day, int(hour), int(minute), tzinfo=INDIA)


@pytest.mark.parametrize(
    ("hours", "when", "opened"),
    [
        ((), at(6, "03:00"), True),
        (WORK, at(0, "09:00"), True),
        (WORK, at(0, "08:59"), False),
        (WORK, at(4, "17:59"), True),
        (WORK, at(4, "18:00"), False),
        (WORK, at(5, "12:00"), False),
        ((*WORK, "Sat 10:00-14:00"), at(5, "12:00"), True),
        (NIGHT, at(4, "23:00"), True),
        (NIGHT, at(5, "05:59"), True),
        (NIGHT, at(6, "05:59"), True),
        (NIGHT, at(6, "22:00"), False),
        (NIGHT, at(4, "05:00"), False),
        (("Sat-Mon 00:00-24:00",), at(6, "23:59"), True),
        (("Sat-Mon 00:00-24:00",), at(1, "00:00"), False),
    ],
)
def test_open_or_closed(hours, when, opened):
    """The end does not count; one that is not later is on the next day; a week goes round."""
    assert is_open(hours, when) is opened


@pytest.mark.parametrize("text", ["", "Mon", "09:00-18:00", "Mon-Foo 09:00-18:00", "Mon 9-18", "Mon 24:30-25:00"])
def test_what_are_no_hours_is_told(text):
    """With an example."""
    with pytest.raises(ValidationError, match="Mon-Fri 09:00-18:00"):
        TypeAdapter(Hours).validate_python(text)
