"""What happens around the model's turns: prepared words, digits, goodbye, errors, the end of the call."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, APIError, CloseEvent, ErrorEvent, JobContext
from livekit.agents.voice.events import ConversationItemAddedEvent

from agent.conversation.digits import PAUSE_S, DigitEntry
from agent.prepared import PreparedSpeech
from telephony.manifest.agent import AgentProfile

log = logging.getLogger("dialroom.call")

TAIL_S = 0.6
"""What was handed to the room may still be this long on its way to the caller's ear: the call ends after it."""
_TURN_METRICS = ("e2e_latency", "llm_node_ttft", "tts_node_ttfb", "end_of_turn_delay", "transcription_delay")


class Talk:
    """The life of one session. It ends once, whoever ends it: `end` deletes the room, which hangs up the caller."""

    def __init__(
        self, ctx: JobContext, session: AgentSession[None], prepared: PreparedSpeech, profile: AgentProfile
    ) -> None:
        self._ctx, self._session, self._prepared, self._profile = ctx, session, prepared, profile
        self._digits, self._digit_timer = DigitEntry(), None  # type: tuple[DigitEntry, asyncio.TimerHandle | None]
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self._started_s = time.monotonic()
        self._turns = 0
        session.on("close", self._on_close)
        session.on("error", self._on_error)
        session.on("conversation_item_added", self._on_item)
        ctx.room.on("sip_dtmf_received", self._on_digit)
        ctx.room.on("participant_disconnected", self._on_left)
        ctx.add_shutdown_callback(self._clean_up)

    async def prepare(self, text: str) -> bytes | None:
        """Return a sentence as audio, None when the voice fails: then it is spoken in the ordinary way."""
        try:
            return await self._prepared.audio(text)
        except APIError:
            log.exception("speech could not be prepared")
            return None

    async def say(self, text: str, audio: bytes | None, *, interruptible: bool = True) -> None:
        """Say a sentence and wait until it is over or interrupted."""
        options: dict[str, Any] = {"audio": self._prepared.frames(audio)} if audio else {}
        await self._session.say(text, allow_interruptions=interruptible, **options)

    async def say_goodbye(self) -> None:
        """Begin the goodbye, which is heard to its end before the call ends. Returns at once."""
        if not self._ending:
            self._ending = True
            self._spawn(self._goodbye())

    def end(self, reason: str) -> None:
        """End the call now."""
        self._ctx.shutdown(reason)

    async def _goodbye(self) -> None:
        audio = await self.prepare(self._profile.goodbye)
        self._session.input.set_audio_enabled(False)
        await self.say(self._profile.goodbye, audio, interruptible=False)
        await asyncio.sleep(TAIL_S)
        self.end("agent said goodbye")

    def _on_digit(self, event: rtc.SipDTMF) -> None:
        if self._digit_timer:
            self._digit_timer.cancel()
        if message := self._digits.press(event.digit):
            self._tell(message)
        else:
            self._digit_timer = asyncio.get_running_loop().call_later(PAUSE_S, self._digits_done)

    def _digits_done(self) -> None:
        if message := self._digits.finish():
            self._tell(message)

    def _tell(self, message: str) -> None:
        log.info("digits received", extra={"pii_digits": message})
        if not self._ending:
            self._session.interrupt()
            self._session.generate_reply(user_input=message)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        """End the call for every reason to leave: the framework closes the session for some of them only."""
        linked = self._session.room_io.linked_participant
        if linked is None or participant.identity == linked.identity:
            self.end("caller left")

    def _on_error(self, event: ErrorEvent) -> None:
        if not getattr(event.error, "recoverable", False):
            log.error("a speech service failed", extra={"service": getattr(event.error, "type", "unknown")})

    def _on_close(self, event: CloseEvent) -> None:
        self.end(f"session closed: {event.reason.value}")

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        metrics = getattr(event.item, "metrics", None) or {}
        figures = {f"{key}_ms": round(metrics[key] * 1000) for key in _TURN_METRICS if metrics.get(key) is not None}
        role = getattr(event.item, "role", event.item.type)
        self._turns += role == "user"
        log.info("turn", extra={"role": role, **figures, "pii_text": getattr(event.item, "text_content", None)})

    async def _clean_up(self, reason: str) -> None:
        for task in self._tasks:
            task.cancel()
        await self._ctx.delete_room()
        lasted_s = round(time.monotonic() - self._started_s, 1)
        log.info("call ended", extra={"reason": reason, "lasted_s": lasted_s, "turns": self._turns})

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
