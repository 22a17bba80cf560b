"""Failures of the services in a call: when the caller must be told something, and how often in a row.

livekit-agents tells of a failed service at once, but the reply that fails with it may be a guess made before the caller
had finished: what is said at that moment would be interrupted by the turn itself. So a failure is told when the speech
that it spoilt is over; a failure to listen spoils no speech and is told at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from livekit.agents import AgentSession, ErrorEvent
from livekit.agents.voice.events import ConversationItemAddedEvent, SpeechCreatedEvent
from livekit.agents.voice.speech_handle import SpeechHandle

from agent.turns import Turns

log = logging.getLogger("dialroom.call")

Tell = Callable[[int], None]


class Failures:
    """Watches a session. `tell` gets the number of failures since the last reply that was spoken."""

    def __init__(self, session: AgentSession[None], *, turns: Turns, tell: Tell) -> None:
        self._turns, self._tell = turns, tell
        self._in_a_row = 0
        self._untold = False
        session.on("error", self._on_error)
        session.on("speech_created", self._on_speech)
        session.on("conversation_item_added", self._on_item)

    def _on_error(self, event: ErrorEvent) -> None:
        if getattr(event.error, "recoverable", False):
            return
        service, error = getattr(event.error, "type", "unknown"), getattr(event.error, "error", None)
        log.error(
            "a service failed", extra={"service": service, "error": type(error).__name__, "pii_error": str(error)}
        )
        self._turns.count("failures")
        self._untold = True
        if service == "stt_error":
            self._say_so()

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        event.speech_handle.add_done_callback(self._on_spoken)

    def _on_spoken(self, speech: SpeechHandle) -> None:
        if self._untold and not speech.interrupted:
            self._say_so()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        """A reply that was spoken to its end (a failing voice leaves one marked as interrupted) ends the row."""
        item = event.item
        if item.type == "message" and item.role == "assistant" and not item.interrupted:
            self._in_a_row, self._untold = 0, False

    def _say_so(self) -> None:
        self._untold = False
        self._in_a_row += 1
        self._tell(self._in_a_row)
