"""What happens around the model's turns: prepared words, digits, goodbye, failures, the end of the call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final

from livekit.agents import AgentSession, APIError, CloseEvent
from livekit.agents.voice.events import AgentStateChangedEvent

from agent.caller_leg import CallerLeg
from agent.conversation.handing_over import said_so_far
from agent.conversation.sentences import GIVE_UP, RESUMED, TRY_AGAIN
from agent.failures import Failures
from agent.keypad import Keypad
from agent.prepared import PreparedSpeech
from agent.turns import Turns
from telephony.manifest.agent import AgentProfile

log = logging.getLogger("dialroom.call")

ANSWER_TIMEOUT_S: Final = 180.0
"""livekit-sip rings no longer than this."""
LAST_WORDS_LIMIT_S: Final = 30.0
TAIL_S: Final = 0.6
"""What was handed over may still be this long on its way to the caller's ear: the call ends after it."""
ENOUGH_FAILURES: Final = 2
"""Failures of services with no spoken reply between them, after which the call is given up."""


class Talk:
    """The life of one session. It ends once, whoever ends it: `end` hangs up the caller."""

    def __init__(
        self,
        leg: CallerLeg,
        session: AgentSession[None],
        *,
        profile: AgentProfile,
        prepared: PreparedSpeech,
        turns: Turns,
    ) -> None:
        self._leg, self._session, self._profile = leg, session, profile
        self._prepared, self._turns = prepared, turns
        self._keypad = Keypad(self._on_keys)
        self._failures = Failures(session, turns=turns, tell=self._on_failure)
        self._tasks: set[asyncio.Task[None]] = set()
        self._status_changed = asyncio.Event()
        self._last_words = False
        self._opening = profile.greeting
        self._end_reason: str | None = None
        session.on("close", self._on_close)
        session.on("agent_state_changed", self._on_state)
        session.on("conversation_item_added", turns.add_item)
        session.on("function_tools_executed", turns.add_tools)
        leg.follow(self)

    def greet_when_answered(self, *, resumed: bool = False) -> None:
        """Say the greeting as soon as the caller's leg is active: words before that are lost. Returns at once.

        `resumed`: somebody else has greeted the caller, and is gone.
        """
        self._opening = RESUMED if resumed else self._profile.greeting
        self._spawn(self._greet())

    async def hear_out(self, sentence: str) -> None:
        """Say a sentence that cannot be interrupted; return when the caller has heard it."""
        await self._say(sentence, await self._prepare(sentence), allow_interruptions=False)
        await asyncio.sleep(TAIL_S)

    def be_silent(self) -> None:
        """Neither speak nor listen from now on: the caller talks to somebody else."""
        self._last_words = True
        self._session.input.set_audio_enabled(False)
        with suppress(RuntimeError):
            self._session.interrupt(force=True)

    def said(self) -> list[tuple[str, str]]:
        """Return (role, text) of the talk so far."""
        return said_so_far(self._session.history.items)

    def make_ready(self, sentences: Iterable[str]) -> None:
        """Make speech of sentences that may be said soon, the first one first. Returns at once."""
        self._spawn(self._prepare_all(sentences))

    async def say_goodbye(self) -> None:
        """Begin the goodbye, which is heard to its end before the call ends. Returns at once."""
        self.end_with(self._profile.goodbye, reason="agent said goodbye")

    def end(self, reason: str) -> None:
        """End the call now. Only the first reason counts."""
        if self._end_reason is None:
            self._end_reason = reason
            self._leg.end(reason)

    def leave(self, reason: str) -> None:
        """Leave the call to those who are in it, as the reason says. It goes on without an agent."""
        if self._end_reason is None:
            self._end_reason = reason
            self._leg.leave(reason)

    async def _greet(self) -> None:
        greeting = await self._prepare(self._opening)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while self._leg.status() == "ringing":
                    self._status_changed.clear()
                    await self._status_changed.wait()
        except TimeoutError:
            self.end("never answered")
        self._turns.mark("answered")
        if self._leg.status() == "gone":
            self.end("caller left")
        self._say(self._opening, greeting)
        await self._prepare_all((self._profile.goodbye, TRY_AGAIN, GIVE_UP))

    async def _prepare(self, sentence: str) -> bytes | None:
        """Return a sentence as audio, None when the voice fails: then it is spoken in the ordinary way."""
        try:
            return await self._prepared.audio(sentence)
        except APIError:
            log.warning("speech could not be prepared", exc_info=True)
            return None

    async def _prepare_all(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            await self._prepare(sentence)

    def _say(self, sentence: str, audio: bytes | None, **options: Any) -> asyncio.Future[Any]:
        """Begin to say a sentence; the future is done when it is over or interrupted."""
        if self._end_reason is not None:
            return asyncio.ensure_future(asyncio.sleep(0))
        if audio:
            options["audio"] = self._prepared.frames(audio)
        return asyncio.ensure_future(self._session.say(sentence, **options).wait_for_playout())

    def end_with(self, sentence: str, *, reason: str) -> None:
        """Begin a last sentence, which is heard to its end before the call ends. Returns at once."""
        if not self._last_words:
            self._last_words = True
            self._spawn(self._say_and_end(sentence, reason=reason))

    async def _say_and_end(self, sentence: str, *, reason: str) -> None:
        self._session.input.set_audio_enabled(False)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_LIMIT_S):
                    await self._say(sentence, await self._prepare(sentence), allow_interruptions=False)
                    await asyncio.sleep(TAIL_S)
        finally:
            self.end(reason)

    async def _apologise(self) -> None:
        audio = await self._prepare(TRY_AGAIN)
        if audio is None:
            self.end("services failed")
        else:
            await self._say(TRY_AGAIN, audio, add_to_chat_ctx=False)

    def _on_keys(self, message: str) -> None:
        log.info("digits received", extra={"pii_digits": message})
        self._turns.count("digits")
        if not self._last_words and self._end_reason is None:
            with suppress(RuntimeError):  # words that may not be interrupted are heard first
                self._session.interrupt()
            self._session.generate_reply(user_input=message)

    def _on_failure(self, in_a_row: int) -> None:
        if in_a_row >= ENOUGH_FAILURES:
            self.end_with(GIVE_UP, reason="services failed")
        elif not self._last_words and self._end_reason is None:
            self._spawn(self._apologise())

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._turns.mark("first_words")

    def _on_close(self, event: CloseEvent) -> None:
        self.end("services failed" if event.error else f"session closed: {event.reason.value}")

    def on_status(self) -> None:
        """The caller has answered, or is gone."""
        self._status_changed.set()

    def on_key(self, key: str) -> None:
        """The caller pressed a key."""
        self._keypad.press(key)

    def on_left(self) -> None:
        """The caller hung up."""
        self.end("caller left")

    async def on_closing(self, reason: str) -> None:
        """The call is let go of: nothing of the talk may remain."""
        self.end(reason)
        for task in self._tasks:
            task.cancel()
        self._keypad.close()
        log.info("call ended", extra={"reason": self._end_reason, **self._turns.summary()})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the call goes on without one of its steps", exc_info=error)
