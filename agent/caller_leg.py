"""The caller's leg as the talk needs it, whatever carries it: a room, or the carrier's socket."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Literal, Protocol

LegStatus = Literal["ringing", "active", "gone"]


class LegEvents(Protocol):
    """Who follows a leg."""

    def on_status(self) -> None:
        """The leg's status is another one now."""
        ...

    def on_key(self, key: str) -> None:
        """The caller pressed a key (0-9 * #)."""
        ...

    def on_left(self) -> None:
        """The caller hung up."""
        ...

    def on_closing(self, reason: str) -> Awaitable[None]:
        """The process lets go of the call, for whatever reason; waited for."""
        ...


class CallerLeg(Protocol):
    """One telephone connection: the caller's. One talk follows it."""

    def status(self) -> LegStatus:
        """Return what the leg is; words before ``active`` are lost."""
        ...

    def follow(self, events: LegEvents) -> None:
        """Tell somebody from now on."""
        ...

    def end(self, reason: str) -> None:
        """Hang up the caller and let go of the call. Returns at once; called once."""
        ...

    def leave(self, reason: str) -> None:
        """Let go of a call that goes on without us. Returns at once; called once."""
        ...
