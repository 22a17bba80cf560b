"""The agent in one call of the socket: session, talk and tools are those of a room's call."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from livekit.agents import Agent, AgentSession, vad

from agent.caller_leg import LegEvents, LegStatus
from agent.conversation.prompt import instructions
from agent.heard import HeardAudio
from agent.logs import FIELDS_OF_CALL
from agent.prepared import PreparedSpeech
from agent.session import make_session
from agent.settings import TalkSettings
from agent.speech import Services, make_services
from agent.talk import Talk
from agent.tools import make_tools
from agent.turns import Turns
from stream.conversation import Conversation, Line
from stream.ear import Ear
from stream.encoding import L16_BIG, L16_LITTLE, MULAW, Encoding
from stream.errors import CallOverError
from stream.frames import Media
from stream.media_format import MediaFormat
from stream.mouth import Mouth
from stream.webhook import CallForm
from telephony.call_tag import call_tag
from telephony.dispatch import admits
from telephony.manifest.agent import AgentProfile
from telephony.manifest.model import Manifest
from telephony.manifest.route import StreamRoute

log = logging.getLogger("dialroom.call")

TIDY_LIMIT_S: Final = 90.0
"""For each part; a tool may take a minute, and the session waits for it."""
_TIDYING: Final[set[asyncio.Task[None]]] = set()
"""Calls that are over and not yet closed, so that nobody forgets them."""
_HEARD: Final[Mapping[MediaFormat, Encoding]] = {MediaFormat.MULAW_8000: MULAW, MediaFormat.L16_16000: L16_BIG}
_SAID: Final[Mapping[MediaFormat, Encoding]] = {MediaFormat.MULAW_8000: MULAW, MediaFormat.L16_16000: L16_LITTLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNumber:
    """Who answers a number; `callers` (E.164) alone may call it, everybody when that is empty.

    A call lasts up to `max_call_s`; 0 is no limit.
    """

    agent: str
    callers: tuple[str, ...] = ()
    max_call_s: int = 0


def numbers_answered(manifest: Manifest) -> Mapping[str, StreamNumber]:
    """Return the numbers whose calls come to our own stream server."""
    return {
        entry.number: StreamNumber(
            agent=entry.route.stream.agent,
            callers=entry.settings.limits.callers,
            max_call_s=entry.settings.limits.max_call_s,
        )
        for entry in manifest.numbers
        if isinstance(entry.route, StreamRoute) and entry.route.stream.agent
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Who answers: the numbers, the agents, and what all calls of this process share."""

    numbers: Mapping[str, StreamNumber]
    agents: Mapping[str, AgentProfile]
    settings: TalkSettings
    detector: vad.VAD

    def answers(self, call: CallForm) -> bool:
        """Say whether a call is for an agent here, and its caller is let in."""
        number = self.numbers.get(call.called)
        return number is not None and admits(number.callers, call.caller)

    def converse(self, line: Line) -> Conversation:
        """Make the conversation of a call that is answered here."""
        return AgentCall(line, self.agents[self.agent_of(line.call)], self)

    def agent_of(self, call: CallForm) -> str:
        """Return the name of the agent that answers a call."""
        return self.numbers[call.called].agent


class AgentCall:
    """One call: what the carrier tells goes to the session, the talk and the keypad; what they do goes to the line."""

    def __init__(self, line: Line, profile: AgentProfile, answering: Answering) -> None:
        self._line, self._profile, self._answering = line, profile, answering
        self._ear = Ear(_HEARD[line.media_format])
        self._way = _Way(line)
        self._mouth = Mouth(self._way, encoding=_SAID[line.media_format])
        self._events: LegEvents | None = None
        self._context = contextvars.copy_context()
        self._reason: str | None = None
        self._has_failed = False
        self._let_go = asyncio.Event()

    # What comes out of the socket.

    def sound(self, media: Media) -> None:
        """Take sound; the first after a lost socket shows that there is another one."""
        if not self._way.is_open:
            self._way.is_open = True
            self._mouth.carry_over(self._way)
        self._ear.hear(media.payload)

    def key(self, digit: str) -> None:
        """Take a key."""
        if self._events is not None:
            self._context.run(self._events.on_key, digit)

    def played(self, name: str) -> None:
        """Learn how far the caller has heard."""
        self._mouth.played(name)

    def cleared(self) -> None:
        """Learn that the carrier threw away what was not played: the mouth counts without it."""

    def lost(self) -> None:
        """Learn that the socket is gone; the call may come back over another one."""
        self._way.is_open = False

    # The caller's leg.

    def status(self) -> LegStatus:
        """Return the status: a socket is opened when the call has been answered."""
        return "gone" if self._reason is not None else "active"

    def follow(self, events: LegEvents) -> None:
        """Tell `events` from now on."""
        self._events = events

    def end(self, reason: str) -> None:
        """Hang up the caller: the stream is stopped, and the document that follows ends the call."""
        self.leave(reason)
        if not self._has_failed:  # else the caller is put through, where there is somebody
            self._line.stop()

    def leave(self, reason: str) -> None:
        """Let go of the call."""
        self._reason = self._reason or reason
        self._let_go.set()

    async def talk(self) -> None:
        """Talk until one side ends the call."""
        turns, settings, call = Turns(), self._answering.settings, self._line.call
        FIELDS_OF_CALL.set({"call_id": call.call_id, "agent": self._answering.agent_of(call)})
        self._context = contextvars.copy_context()
        log.info("call taken", extra={"pii_caller": call.caller, "pii_called": call.called})
        services = make_services(self._profile, settings)
        services.tag_call(call_tag(call.call_id))
        session = make_session(services, self._answering.detector, settings)
        prepared = PreparedSpeech(services.tts, voice=services.voice, folder=settings.cache)
        talk = Talk(self, session, profile=self._profile, prepared=prepared, turns=turns)
        agent = Agent(
            instructions=instructions(self._profile, now=datetime.now(settings.time_zone)),
            tools=make_tools(self._profile, end_call=talk.say_goodbye, time_zone=settings.time_zone),
        )
        heard = HeardAudio(self._mouth)
        session.input.audio = self._ear
        session.output.audio, session.output.transcription = heard, heard.words
        try:
            await session.start(agent, session_host=False, record=False)
            talk.greet_when_answered()
            await self._until_over(talk)
        except Exception:
            self._has_failed = True
            raise
        finally:
            # In a task of its own: it has to come to its end also when this one is cancelled.
            tidying = asyncio.ensure_future(self._tidy(session, talk, services))
            _TIDYING.add(tidying)
            tidying.add_done_callback(_TIDYING.discard)
            await asyncio.shield(tidying)

    async def _until_over(self, talk: Talk) -> None:
        ended = asyncio.ensure_future(self._line.wait_ended())
        let_go = asyncio.ensure_future(self._let_go.wait())
        try:
            limit_s = self._answering.numbers[self._line.call.called].max_call_s or None
            await asyncio.wait([ended, let_go], return_when=asyncio.FIRST_COMPLETED, timeout=limit_s)
            if not ended.done() and not let_go.done():
                talk.end("longest call")
            elif ended.done():
                gone = ended.result().reason
                talk.end("caller left" if gone in ("hung up", "lost") else gone)
        finally:
            ended.cancel()
            let_go.cancel()

    async def _tidy(self, session: AgentSession[None], talk: Talk, services: Services) -> None:
        """Leave nothing of the call behind, whatever one of its parts does."""
        self._ear.end()
        for close in (
            talk.on_closing(self._reason or "failed"),
            session.aclose(),
            self._mouth.aclose(),
            services.aclose(),
        ):
            try:
                async with asyncio.timeout(TIDY_LIMIT_S):
                    await close
            except Exception:
                log.exception("a part of a call could not be closed")


class _Way:
    """The mouth's way to the line, which is closed between two sockets."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.is_open = True

    async def play(self, payload: bytes) -> None:
        """Send sound. Raises ConnectionError."""
        self._check()
        try:
            await self._line.play(payload)
        except CallOverError:
            raise ConnectionError from None

    async def checkpoint(self, name: str) -> None:
        """Ask to be told. Raises ConnectionError."""
        self._check()
        try:
            await self._line.checkpoint(name)
        except CallOverError:
            raise ConnectionError from None

    async def clear(self) -> None:
        """Make the carrier forget what it has not played. Raises ConnectionError."""
        self._check()
        self._line.clear()

    def _check(self) -> None:
        if not self.is_open:
            raise ConnectionError
