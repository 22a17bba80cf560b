"""What the synthetic callers are about to say: the oracle's knowledge."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

STALE_S = 30.0  # on a busy machine speech arrives late; what was not heard by then was lost on the way


class Segment(BaseModel):
    """A part of a sentence between pauses. Times are seconds from the sentence's first sound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    start_s: float
    end_s: float


class Announcement(BaseModel):
    """One sentence of one call, told just before its first sound. `tag` is telephony.call_tag of the SIP Call-ID."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str
    text: str
    segments: tuple[Segment, ...]
    duration_s: float


class Announcements:
    """Sentences by tag, in the order in which they were announced."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[tuple[float, Announcement]]] = defaultdict(deque)

    def add(self, announcement: Announcement) -> None:
        """Remember a sentence."""
        self._waiting[announcement.tag].append((time.monotonic(), announcement))

    def knows(self, tags: Iterable[str]) -> bool:
        """Say whether any call with one of the tags was ever announced."""
        return any(tag in self._waiting for tag in tags)

    def next(self, tags: Iterable[str]) -> Announcement | None:
        """Return the sentence that has begun now, None when none was announced. Stale ones are forgotten."""
        now = time.monotonic()
        for tag in tags:
            waiting = self._waiting.get(tag)
            while waiting:
                told_s, announcement = waiting.popleft()
                if now - told_s <= announcement.duration_s + STALE_S:
                    return announcement
        return None
