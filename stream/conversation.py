"""What a call does, seen from its socket: whoever talks implements `Conversation` and gets a `Line`.

One conversation is made for each call, when its first socket has begun. It outlives that socket: when the carrier opens
a lost one again, the same conversation goes on with the same line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from stream.frames import Media
from stream.media_format import MediaFormat
from stream.webhook import CallForm, HangupForm

EndReason = Literal["hung up", "lost", "stopped", "failed", "shutting down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Why a call is over for us.

    ``hung up``: the carrier said so, in `hangup`. ``lost``: its socket is gone and does not come again. ``stopped``:
    we stopped it, and the carrier did not say any more. ``failed``: the conversation raised in what it hears.
    ``shutting down``: the server closes, whoever is talking.
    """

    reason: EndReason
    hangup: HangupForm | None = None


class Hears(Protocol):
    """What comes out of the socket, in its order. Nothing here may wait; what it raises ends the call."""

    def sound(self, media: Media) -> None:
        """Take sound of the caller: whole samples in the line's format, never empty."""
        ...

    def key(self, digit: str) -> None:
        """Take a key that the caller pressed."""
        ...

    def played(self, name: str) -> None:
        """Learn that everything before the checkpoint of this name was played; the name may be none of ours."""
        ...

    def cleared(self) -> None:
        """Learn that the carrier has thrown away what waited to be played."""
        ...

    def lost(self) -> None:
        """Learn that a socket is gone: what was not played by now never will be, and its checkpoints never come.

        What is played from now on waits for the next socket, which may not come: then the call ends.
        """
        ...


class Sends(Protocol):
    """What goes into the socket, in its order. At most 50 frames wait; then `play` and `checkpoint` do.

    Both return without effect when what they would send is cleared or lost while they wait.
    """

    async def play(self, sound: bytes) -> None:
        """Play sound (whole samples in the line's format, linear ones little-endian) after everything before.

        Raises:
            CallOverError: the call is over, or was stopped.
            ValueError: it is empty, ends within a sample, or takes longer than a second.
        """
        ...

    async def checkpoint(self, name: str) -> None:
        """Ask to be told (`Hears.played`) when everything before has been played.

        Raises:
            CallOverError: the call is over, or was stopped.
            ValueError: the name is not 1 to 128 characters of printable ASCII.
        """
        ...

    def clear(self) -> None:
        """Throw away what was not played yet, here and at the carrier (`Hears.cleared`). Without effect at the end."""
        ...

    def stop(self) -> None:
        """End the call: what was not played by now is thrown away. Without effect the second time."""
        ...


class Line(Sends, Protocol):
    """One call: who calls, how it sounds, and the way to answer."""

    @property
    def call(self) -> CallForm:
        """What the carrier told when it asked for the call's document."""
        ...

    @property
    def media_format(self) -> MediaFormat:
        """The format of both directions."""
        ...

    async def wait_ended(self) -> End:
        """Wait until the call is over, also after `stop`; the conversation has a few seconds left then."""
        ...


class Conversation(Hears, Protocol):
    """What is talked in one call."""

    async def talk(self) -> None:
        """Talk, and return when everything is said: then the call is stopped, if it is not over already.

        A call that ends by itself does not end this: `Line.wait_ended` tells, and who goes on is cancelled after a few
        seconds. An exception ends the call; its caller is put through to the number for calls too many, if there is
        one.
        """
        ...


Converse = Callable[[Line], Conversation]
"""Makes the conversation of a call. Called in the event loop, it must not wait; what it raises ends the call."""
