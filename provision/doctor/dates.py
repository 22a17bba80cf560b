"""A server's clock, read off the Date of an answer. The answer itself does not matter, so no key is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from provision.doctor.facts import Offset, Unknown, is_loopback
from provision.errors import connection_reason

TIMEOUT_S: Final = 10.0
_RESOLUTION_S: Final = 1.0
"""RFC 9110 section 5.6.7: a Date has whole seconds, the rest is cut off."""


async def read_offset(url: str, *, now: Callable[[], float] = time.time) -> Offset | Unknown:
    """Ask for `url` and compare the answer's Date with `now` (seconds since 1970)."""
    client = httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=not is_loopback(url))
    async with client:
        try:
            await client.get(url)  # the second answer comes without the time that connecting takes
            before_s = now()
            answer = await client.get(url)
            after_s = now()
        except httpx2.HTTPError as error:
            return Unknown(f"there was no answer ({connection_reason(error)})")
    return offset(answer.headers.get("Date", ""), before_s=before_s, after_s=after_s)


def offset(date: str, *, before_s: float, after_s: float) -> Offset | Unknown:
    """Return how far a Date header is ahead of our clock, which said `before_s` and `after_s` around the answer."""
    try:
        parsed = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return Unknown("its answer has no Date")
    server_s = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    middle_s = (before_s + after_s) / 2
    way_s = max(0.0, after_s - before_s)
    return Offset(seconds=server_s + _RESOLUTION_S / 2 - middle_s, uncertainty_s=(_RESOLUTION_S + way_s) / 2)
