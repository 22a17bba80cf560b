"""When a user is told that a server takes no more requests for now. Pure: times are arguments."""

from __future__ import annotations

from typing import Final

_EVERY_S: Final = 15.0


class Busy:
    """One run's refusals: the first is told, later ones only when the server has taken nothing for a while.

    So whoever waits sees that it goes on, and an apply that only runs into the limit now and then is quiet.
    """

    def __init__(self) -> None:
        self._told_s: float | None = None
        self._taken_s = 0.0

    def taken(self, now_s: float) -> None:
        """Note that a request was taken."""
        self._taken_s = now_s

    def is_to_tell(self, now_s: float) -> bool:
        """Note a refusal, and return whether the user is to be told."""
        if self._told_s is not None and now_s - max(self._told_s, self._taken_s) < _EVERY_S:
            return False
        self._told_s = now_s
        return True
