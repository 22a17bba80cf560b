"""The talk with the human, in private: a session of its own, whose voice nobody else is allowed to hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, StopResponse, llm
from livekit.agents.llm import function_tool

from agent.conversation.handing_over import (
    ACCEPT_TOOL,
    CALL_BACK_TOOL,
    DECLINE_TOOL,
    VOICEMAIL_TOOL,
    announcement,
    briefing,
    keys_announcement,
)
from agent.transfer.events import Answer
from agent.transfer.listening import hear_beep

PUBLISH_LIMIT_S: Final = 5.0
KEYS: Final[dict[str, Answer]] = {"1": "accepted", "2": "declined", "3": "callback"}
ASK_AGAIN_S: Final = 4.0

Decide = Callable[[Answer], None]
StartSession = Callable[[AgentSession[None], Agent, str], Awaitable[None]]


class Briefing:
    """Speaks with one human. `decide` is told what they want, perhaps more than once.

    `start` ties a session to an identity in the room, as the caller's own session is. `opening` is what the human hears
    before they are asked.
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
        self._agent = self._make_agent(said)

    async def publish(self, human: str) -> str:
        """Publish the voice for this human and return its track's sid. Nobody hears it who is not listed.

        Raises TimeoutError when the room does not take it.
        """
        before = set(self._room.local_participant.track_publications)
        await self._start(self._session, self._agent, human)
        async with asyncio.timeout(PUBLISH_LIMIT_S):
            while not (new := set(self._room.local_participant.track_publications) - before):
                await asyncio.sleep(0.01)
        self._listen(human)
        return new.pop()

    def announce(self) -> None:
        """Say who calls and why. Returns at once; what the human says goes on from there."""
        self._session.say(announcement(self._opening))

    async def hear_out(self, sentence: str) -> None:
        """Say a sentence to the human now, and to its end; return when it was said."""
        with suppress(RuntimeError):
            self._session.interrupt(force=True)
        await self._session.say(sentence, allow_interruptions=False)

    def press(self, key: str) -> None:
        """Take a key of the human's telephone."""
        if key in KEYS:
            self._decide(KEYS[key])

    async def aclose(self) -> None:
        """Be silent, and take the voice away."""
        if self._beep is not None:
            self._beep.cancel()
        await self._session.aclose()

    def _listen(self, human: str) -> None:
        self._beep = asyncio.create_task(hear_beep(self._room, human, lambda: self._decide("voicemail")))

    def _make_agent(self, said: Sequence[tuple[str, str]]) -> Agent:
        return Agent(instructions=briefing(self._reason, said), tools=self._tools())

    def _tools(self) -> list[llm.Tool | llm.Toolset]:
        return [
            _decision(ACCEPT_TOOL, "The colleague takes the caller now.", "accepted", self._decide),
            _decision(DECLINE_TOOL, "The colleague does not take the caller.", "declined", self._decide),
            _decision(CALL_BACK_TOOL, "The colleague will call the caller back later.", "callback", self._decide),
            _decision(VOICEMAIL_TOOL, "A recording answers instead of the colleague.", "voicemail", self._decide),
        ]


class KeyBriefing(Briefing):
    """Says one sentence, again and again, and takes keys alone: the human is muted, and no model is asked."""

    _asking: asyncio.Task[None] | None = None

    def announce(self) -> None:
        """Say who calls, why, and which keys there are, until one is pressed. Returns at once."""
        self._asking = asyncio.create_task(self._ask())

    async def aclose(self) -> None:
        """Be silent, and take the voice away."""
        if self._asking is not None:
            self._asking.cancel()
        await super().aclose()

    def _make_agent(self, said: Sequence[tuple[str, str]]) -> Agent:
        del said
        return Agent(instructions="")

    def _listen(self, human: str) -> None:
        """Nothing is to be heard: the human is muted."""

    async def _ask(self) -> None:
        while True:
            await self._session.say(keys_announcement(self._opening), allow_interruptions=False)
            await asyncio.sleep(ASK_AGAIN_S)


def _decision(name: str, description: str, answer: Answer, decide: Decide) -> llm.Tool:
    async def tell() -> None:
        decide(answer)
        raise StopResponse

    return function_tool(tell, name=name, description=description)
