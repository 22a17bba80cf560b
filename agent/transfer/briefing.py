"""The talk with the human, in private: a session of its own, whose voice nobody else is allowed to hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, StopResponse, llm
from livekit.agents.llm import function_tool
from livekit.agents.voice.events import UserInputTranscribedEvent

from agent.conversation.handing_over import (
    ACCEPT_TOOL,
    CALL_BACK_TOOL,
    DECLINE_TOOL,
    VOICEMAIL_TOOL,
    announcement,
    briefing,
    keys_announcement,
    unheard,
)
from agent.transfer.events import Answer
from agent.transfer.listening import hear_beep

PUBLISH_LIMIT_S: Final = 5.0
KEYS: Final[dict[str, Answer]] = {"1": "accepted", "2": "declined", "3": "callback"}
ASK_AGAIN_S: Final = 4.0
PAUSE_S: Final = 0.5
"""After so much silence of both it is the agent's turn: most say a name as they pick up."""
GREETING_S: Final = 2.5
"""Somebody who is not silent by then is told all the same."""
STALLED_S: Final = 2.5
"""A sentence that somebody talks over is given up after so much silence of the agent. A cough holds it for less."""
REPLY_S: Final = 3.0
"""What an answer to somebody who has interrupted may take before the rest is said."""
TAKE_UP_S: Final = 1.5
"""After so much silence the agent answers what was said while it spoke."""
TAKE_UP_GREETING_S: Final = 6.0
"""The same for what was said before: a name needs no answer, but it may have been a recording."""
LOOK_EVERY_S: Final = 0.1

Decide = Callable[[Answer], None]
StartSession = Callable[[AgentSession[None], Agent, rtc.Room, str], Awaitable[None]]


class Briefing:
    """Speaks with one human. `decide` is told what they want, perhaps more than once.

    `start` ties a session to a room and an identity in it, as the caller's own session is. `opening` is what the human
    hears before they are asked. The session must hear what is said while it speaks (`make_session`, `keeps_hearing`).
    """

    def __init__(
        self,
        room: rtc.Room,
        session: AgentSession[None],
        start: StartSession,
        *,
        opening: str,
        reason: str,
        said: Sequence[tuple[str, str]],
        decide: Decide,
    ) -> None:
        self._room, self._session, self._start, self._decide = room, session, start, decide
        self._opening, self._reason = opening, reason
        self._beep: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._agent = self._make_agent(said)

    async def publish(self, human: str) -> str:
        """Publish the voice for this human and return its track's sid. Nobody hears it who is not listed.

        Raises TimeoutError when the room does not take it.
        """
        before = set(self._room.local_participant.track_publications)
        await self._start(self._session, self._agent, self._room, human)
        async with asyncio.timeout(PUBLISH_LIMIT_S):
            while not (new := set(self._room.local_participant.track_publications) - before):
                await asyncio.sleep(0.01)
        self._listen(human)
        return new.pop()

    def announce(self) -> None:
        """Say who calls and why, to its end, and ask. Returns at once; what the human says goes on from there."""
        self._asking = asyncio.create_task(_until_closed(self._ask()))

    async def hear_out(self, sentence: str) -> None:
        """Say a sentence to the human now, and to its end; return when it was said."""
        self._stop_asking()
        with suppress(RuntimeError):
            self._session.interrupt(force=True)
        await self._session.say(sentence, allow_interruptions=False)

    def press(self, key: str) -> None:
        """Take a key of the human's telephone."""
        if key in KEYS:
            self._tell(KEYS[key])

    async def aclose(self) -> None:
        """Be silent, and take the voice away."""
        self._stop_asking()
        if self._beep is not None:
            self._beep.cancel()
        await self._session.aclose()

    def _tell(self, answer: Answer) -> None:
        self._stop_asking()
        self._decide(answer)

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    def _listen(self, human: str) -> None:
        self._beep = asyncio.create_task(hear_beep(self._room, human, lambda: self._tell("voicemail")))

    def _make_agent(self, said: Sequence[tuple[str, str]]) -> Agent:
        self._listener = _Listener(briefing(self._reason, said), self._tools())
        self._session.on("user_input_transcribed", self._listener.hear)
        return self._listener

    async def _ask(self) -> None:
        """Say it so that it can be interrupted; then what was not heard of it, so that it cannot.

        The framework keeps a sentence that can be interrupted back for as long as the human speaks, and drops it with
        their first recognised words (livekit-agents 1.8.9, `voice/agent_activity.py`): somebody who picks up with their
        name, or who has noise around them, would never hear it.
        """
        left = announcement(self._opening)
        is_silent = await self._is_silent(PAUSE_S, limit_s=GREETING_S)
        self._listener.greeting = len(self._listener.unanswered)
        if is_silent:
            self._listener.answers = True
            if left := unheard(left, await self._say(left)):
                await self._is_silent(PAUSE_S, limit_s=REPLY_S)
        if left:
            self._listener.answers = False
            await self._session.interrupt(force=True)
            await self._session.say(left, allow_interruptions=False)
        self._listener.answers = True
        await self._take_up()

    async def _say(self, words: str) -> str:
        """Say words that can be interrupted; return what was heard of them."""
        speech, silent_s = self._session.say(words), 0.0
        while not speech.done():
            await asyncio.sleep(LOOK_EVERY_S)
            silent_s = 0.0 if self._session.agent_state == "speaking" else silent_s + LOOK_EVERY_S
            if silent_s >= STALLED_S:
                await speech.interrupt()
        if not speech.interrupted:
            return words
        said = [item.text_content or "" for item in speech.chat_items if item.type == "message"]
        return said[0] if said else ""

    async def _take_up(self) -> None:
        """Answer what the human has said, unless they go on: then it is part of that."""
        while said := len(self._listener.unanswered):
            for_s = TAKE_UP_S if said > self._listener.greeting else TAKE_UP_GREETING_S
            if await self._is_silent(for_s, limit_s=for_s + LOOK_EVERY_S) and self._listener.unanswered:
                self._session.generate_reply(user_input=self._listener.take())

    async def _is_silent(self, for_s: float, *, limit_s: float) -> bool:
        """Wait until neither of both has spoken for so long; say whether that came within the limit."""
        silent_s, waited_s = 0.0, 0.0
        while silent_s < for_s or self._somebody_speaks:
            if waited_s >= limit_s:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
            silent_s = 0.0 if self._somebody_speaks else silent_s + LOOK_EVERY_S
        return True

    @property
    def _somebody_speaks(self) -> bool:
        return self._session.user_state == "speaking" or self._session.agent_state in ("thinking", "speaking")

    def _tools(self) -> list[llm.Tool | llm.Toolset]:
        return [
            _decision(ACCEPT_TOOL, "The colleague takes the caller now.", "accepted", self._tell),
            _decision(DECLINE_TOOL, "The colleague does not take the caller.", "declined", self._tell),
            _decision(CALL_BACK_TOOL, "The colleague will call the caller back later.", "callback", self._tell),
            _decision(VOICEMAIL_TOOL, "A recording answers instead of the colleague.", "voicemail", self._tell),
        ]


class KeyBriefing(Briefing):
    """Says one sentence, again and again, and takes keys alone: the human is muted, and no model is asked."""

    def _make_agent(self, said: Sequence[tuple[str, str]]) -> Agent:
        del said
        return Agent(instructions="")

    def _listen(self, human: str) -> None:
        """Nothing is to be heard: the human is muted."""

    async def _ask(self) -> None:
        while True:
            await self._session.say(keys_announcement(self._opening), allow_interruptions=False)
            await asyncio.sleep(ASK_AGAIN_S)


class _Listener(Agent):
    """The model's side of a briefing. While it does not answer, it keeps what the human says for later.

    `greeting` of the unanswered pieces were said before the agent spoke.
    """

    def __init__(self, instructions: str, tools: list[llm.Tool | llm.Toolset]) -> None:
        super().__init__(instructions=instructions, tools=tools)
        self.answers = False
        self.unanswered: list[str] = []
        self.greeting = 0

    def hear(self, event: UserInputTranscribedEvent) -> None:
        """Keep recognised words until they are answered."""
        if event.is_final and event.transcript:
            self.unanswered.append(event.transcript)

    def take(self) -> str:
        """Return what was not answered, which is answered now."""
        words, self.unanswered, self.greeting = " ".join(self.unanswered), [], 0
        return words

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        """Give the model everything that was said since its last answer; raise StopResponse while it has to wait."""
        del turn_ctx
        if not self.answers:
            raise StopResponse
        new_message.content = [self.take() or new_message.text_content or ""]


async def _until_closed(work: Coroutine[Any, Any, None]) -> None:
    """Do some work with a session, which may be closed any time."""
    with suppress(RuntimeError):
        await work


def _decision(name: str, description: str, answer: Answer, decide: Decide) -> llm.Tool:
    async def tell() -> None:
        decide(answer)
        raise StopResponse

    return function_tool(tell, name=name, description=description)
