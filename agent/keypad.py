"""The keys of the caller's telephone → entries for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.conversation.digits import PAUSE_S, DigitEntry

Tell = Callable[[str], None]


class Keypad:
    """Collects the keys of one caller; `tell` gets each entry once, at # or after a pause."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._entry = DigitEntry()
        self._timer: asyncio.TimerHandle | None = None

    def press(self, key: str) -> None:
        """Add a key."""
        self.close()
        if message := self._entry.press(key):
            self._tell(message)
        else:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._on_pause)

    def close(self) -> None:
        """Forget what was not told yet."""
        if self._timer:
            self._timer.cancel()

    def _on_pause(self) -> None:
        if message := self._entry.finish():
            self._tell(message)
