"""Who has left a room for good, and who comes again.

When livekit-server cannot mend a leg's connection it makes the leg leave and join anew, under the same identity: a few
tenths of a second in which nobody hung up. It does so, for one, when an unsubscribe crosses a negotiation of the leg
(1.13.5 ``pkg/rtc/participant.go``, "negotiation failed, starting full reconnect"), as closing a gate may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from livekit import rtc

RETURN_LIMIT_S: Final = 3.0
"""So long somebody who is to come again is waited for."""
_COMES_AGAIN: Final = (rtc.DisconnectReason.STATE_MISMATCH, rtc.DisconnectReason.MIGRATION)


def comes_again(reason: int | None) -> bool:
    """Say whether somebody who left for this reason (livekit's DisconnectReason) is told to join anew."""
    return reason in _COMES_AGAIN


class Departures:
    """Watches a room. `gone` gets the identity of whoever has left for good, at once or when the wait is over."""

    def __init__(self, room: rtc.Room, gone: Callable[[str], None]) -> None:
        self._room, self._gone = room, gone
        self._away: dict[str, asyncio.TimerHandle] = {}
        room.on("participant_connected", self._on_connected)
        room.on("participant_disconnected", self._on_disconnected)

    def is_away(self, identity: str) -> bool:
        """Whether somebody is waited for."""
        return identity in self._away

    def close(self) -> None:
        """Tell nothing any more."""
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        for timer in self._away.values():
            timer.cancel()
        self._away.clear()

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if (timer := self._away.pop(participant.identity, None)) is not None:
            timer.cancel()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        identity = participant.identity
        self._on_connected(participant)
        if comes_again(participant.disconnect_reason):
            loop = asyncio.get_running_loop()
            self._away[identity] = loop.call_later(RETURN_LIMIT_S, self._give_up, identity)
        else:
            self._gone(identity)

    def _give_up(self, identity: str) -> None:
        self._away.pop(identity, None)
        self._gone(identity)
