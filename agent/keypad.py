"""The keys of the caller's telephone: room events → entries for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc

from agent.conversation.digits import PAUSE_S, DigitEntry

Tell = Callable[[str], None]


class Keypad:
    """Collects the keys of one participant; `tell` gets each entry once, at # or after a pause."""

    def __init__(self, room: rtc.Room, *, identity: str, tell: Tell) -> None:
        self._identity, self._tell = identity, tell
        self._entry = DigitEntry()
        self._timer: asyncio.TimerHandle | None = None
        room.on("sip_dtmf_received", self._on_key)

    def close(self) -> None:
        """Forget what was not told yet."""
        if self._timer:
            self._timer.cancel()

    def _on_key(self, event: rtc.SipDTMF) -> None:
        if event.participant is not None and event.participant.identity != self._identity:
            return
        self.close()
        if message := self._entry.press(event.digit):
            self._tell(message)
        else:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._on_pause)

    def _on_pause(self) -> None:
        if message := self._entry.finish():
            self._tell(message)
