"""What all endpoints of the stand-ins share."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from lab.speech.announced import Announcements
from lab.speech.ears import Ears
from lab.speech.faults import Settings
from lab.speech.receptionist import Receptionist
from lab.speech.voice import Voice


@dataclass(kw_only=True, eq=False)
class State:
    """`ears` is None with the oracle. `codes` are the clinic's appointment codes by first name, in lower case.
    `raw_calls` are what the model answers next, once, whatever was said: (tool, arguments by the letter).
    """

    voice: Voice
    ears: Ears | None
    receptionist: Receptionist
    settings: Settings
    announcements: Announcements = field(default_factory=Announcements)
    raw_calls: tuple[tuple[str, str], ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=2000))
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "speech"))

    def note(self, what: str, text: str) -> None:
        """Write a line of the log, on stdout too: `heard`, `answered`, `spoken` or `looked up`."""
        entry = {"at_s": round(time.time(), 3), "what": what, "text": text}
        self.log.append(entry)
        sys.stdout.write(json.dumps(entry) + "\n")
        sys.stdout.flush()

    def code_of(self, name: str) -> str:
        """Return the appointment code of a patient; it is drawn when it is first asked for.

        None begins with 1: the recogniser writes 1 8 7 3 as a toll-free number, 1-877-3.
        """
        return self.codes.setdefault(name.strip().lower(), f"{secrets.randbelow(8000) + 2000}")


STATE = web.AppKey("state", State)
