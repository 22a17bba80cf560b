"""Hours in which somebody may be called, as people write them: "Mon-Fri 09:00-18:00"."""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LINE: Final = re.compile(
    r"(?P<first>[A-Za-z]{3})(?:-(?P<last>[A-Za-z]{3}))? +"
    r"(?P<start>[0-2][0-9]:[0-5][0-9])-(?P<end>[0-2][0-9]:[0-5][0-9])"
)
_MIDNIGHT: Final = "24:00"


def _parsed(text: str) -> tuple[frozenset[int], time, time]:
    """Return the days (0 is Monday) and both times; an end that is not later is on the next day."""
    found = _LINE.fullmatch(text.strip())
    told = f'{text!r} must be days and times, such as "Mon-Fri 09:00-18:00" or "Sat 10:00-14:00"'
    if found is None:
        raise ValueError(told)
    names = [found["first"].capitalize(), (found["last"] or found["first"]).capitalize()]
    if not set(names) <= set(DAYS):
        raise ValueError(told)
    first, last = (DAYS.index(name) for name in names)
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    try:
        start = time.fromisoformat(found["start"])
        end = time.min if found["end"] == _MIDNIGHT else time.fromisoformat(found["end"])
    except ValueError:
        raise ValueError(told) from None
    return days, start, end


def _checked(text: str) -> str:
    _parsed(text)
    return text.strip()


Hours = Annotated[str, AfterValidator(_checked)]
"""One line. Times are those of the worker's time zone; 22:00-06:00 ends on the next day, 00:00-24:00 is all day."""


def is_open(hours: Sequence[str], when: datetime) -> bool:
    """Say whether a local time is within one of the lines; no line is always."""
    return not hours or any(_is_within(line, when) for line in hours)


def _is_within(line: str, when: datetime) -> bool:
    days, start, end = _parsed(line)
    at, today = when.time(), when.weekday()
    if start < end:
        return today in days and start <= at < end
    yesterday = (when - timedelta(days=1)).weekday()
    return (today in days and at >= start) or (yesterday in days and at < end)
