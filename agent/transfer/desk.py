"""The transfers of one call: the model's two tools, one transfer at a time, and what the caller is told at its end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from livekit import api, rtc
from livekit.agents import AgentSession, JobContext, StopResponse, ToolError, llm
from livekit.agents.llm import function_tool

from agent.call import Call
from agent.conversation.handing_over import (
    CANCEL_TOOL,
    NoSuchTargetError,
    chosen,
    next_words,
    notice,
    opening,
    told,
    transfer_schema,
)
from agent.departures import Departures
from agent.transfer.afterwards import after, closed_now, takes_messages
from agent.transfer.briefing import Briefing, Decide, KeyBriefing, StartSession
from agent.transfer.consultation_room import Access
from agent.transfer.events import CallerGone, Cancelled
from agent.transfer.handover import Handover
from agent.transfer.human import Line
from agent.transfer.message import KeepMessage, message_tool
from agent.transfer.outcome import AFTER_AN_ANSWER, Outcome
from agent.transfer.waiting import CallerSide
from telephony.dispatch import outbound_name
from telephony.legs import is_supervised
from telephony.manifest.targets import Mode, Target, TargetAfter

log = logging.getLogger("dialroom.transfer")

TIDY_LIMIT_S: Final = 5.0


class Talker(CallerSide, Protocol):
    """The talk with the caller, as far as transfers need it."""

    def said(self) -> list[tuple[str, str]]:
        """Return (role, text) of the talk so far."""
        ...

    def make_ready(self, sentences: Iterable[str]) -> None:
        """Make speech of sentences that may be said soon, the first one first. Returns at once."""
        ...

    def end(self, reason: str) -> None:
        """End the call."""
        ...

    def end_with(self, sentence: str, *, reason: str) -> None:
        """Say a last sentence, then end the call."""
        ...

    def leave(self, reason: str) -> None:
        """Leave the call to those who are in it."""
        ...


class MakeSession(Protocol):
    """Makes a session whose speech services know the call by a SIP Call-ID."""

    def __call__(self, sip_call_id: str) -> AgentSession[None]:
        """Return it, not started."""
        ...


class TransferDesk:
    """Makes transfers for one call, one after the other. `bind` gives it the talk, which needs the tools first."""

    def __init__(
        self,
        ctx: JobContext,
        *,
        call: Call,
        access: Access,
        targets: Mapping[str, Target],
        offered: Collection[str],
        now: Callable[[], datetime],
        keep_message: KeepMessage,
        make_session: MakeSession,
        start_session: StartSession,
    ) -> None:
        self._ctx, self._call, self._access, self._targets = ctx, call, access, targets
        self._offered = {name: targets[name] for name in offered}
        self._now, self._keep_message = now, keep_message
        self._been: set[str] = set()
        self._make_session, self._start_session = make_session, start_session
        self._talk: Talker | None = None
        self._running: Handover | None = None
        self._run: asyncio.Task[None] | None = None
        self._speaking: asyncio.Future[None] | None = None
        self._departures = Departures(ctx.room, self._on_left)
        ctx.add_shutdown_callback(self._clean_up)

    def bind(self, talk: Talker) -> None:
        """Give it the talk with the caller."""
        self._talk = talk

    def tools(self) -> list[llm.Tool | llm.Toolset]:
        """Return the model's tools, none without targets."""
        if not self._offered:
            return []

        async def transfer(raw_arguments: dict[str, object]) -> None:
            self._begin(raw_arguments)
            raise StopResponse

        async def cancel() -> None:
            if self._running is None or self._running.is_over:
                raise ToolError("no transfer is running")
            self._running.tell(Cancelled())
            raise StopResponse

        tools: list[llm.Tool | llm.Toolset] = [
            function_tool(transfer, raw_schema=transfer_schema(self._offered)),
            function_tool(
                cancel, name=CANCEL_TOOL, description="Stop the transfer: the caller does not want it any more."
            ),
        ]
        if any(takes_messages(target) for target in self._targets.values()):
            tools.append(message_tool(self._take_message))
        return tools

    def _take_message(self, message: str) -> None:
        """Keep a caller's message. Raises ToolError when it cannot be kept."""
        try:
            self._keep_message(message)
        except OSError as error:
            log.exception("a message could not be kept")
            raise ToolError("the message could not be kept: tell the caller") from error

    def _begin(self, given: Mapping[str, Any]) -> None:
        """Begin a transfer. Raises ToolError: nothing but a known name is taken, and one at a time."""
        try:
            name, why = chosen(given, self._offered)
        except NoSuchTargetError as error:
            log.warning("a target that is not there", extra={"pii_arguments": json.dumps(dict(given))[:500]})
            raise ToolError(str(error)) from None
        if self._running is not None:
            raise ToolError("a transfer is running already")
        self._been.clear()
        self._hand_over(name, why)

    def _hand_over(self, name: str, why: str) -> None:
        assert self._talk is not None
        self._been.add(name)
        target, said = self._targets[name], self._talk.said()
        first = opening(target, why, caller=self._call.caller or "", called=self._call.called)

        def brief(room: rtc.Room, sip_call_id: str, mode: Mode, decide: Decide) -> Briefing:
            session = self._make_session(sip_call_id)
            make = KeyBriefing if mode == "press-1" else Briefing
            return make(room, session, self._start_session, opening=first, reason=why, said=said, decide=decide)

        self._running = Handover(
            self._ctx.room,
            self._ctx.api,
            self._access,
            caller=self._call.identity,
            name=name,
            target=target,
            closed=closed_now(target, self._now()),
            notice=notice(target),
            side=self._talk,
            make_briefing=brief,
            dial_from=self._dial_from,
            finished=lambda outcome: self._finished(outcome, target, why),
        )
        log.info("transfer begins", extra={"target": name, "people": len(target.people)})
        self._run = asyncio.create_task(_one_after_the_other(self._run, self._running.run()))
        self._talk.make_ready(
            [notice(target), *(next_words(end, target, after(target, end)) for end in AFTER_AN_ANSWER)]
        )

    async def _dial_from(self) -> Line:
        listed = await self._ctx.api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        name = outbound_name(self._call.deployment)
        found = [(trunk.sip_trunk_id, trunk.address) for trunk in listed.items if trunk.name == name]
        trunk_id, domain = found[0] if found else ("", "")
        return Line(trunk_id=trunk_id, domain=domain, caller_id=self._call.called)

    def _finished(self, outcome: Outcome, target: Target, why: str) -> None:
        if outcome == "referred":
            return  # the call lives on without us
        if outcome == "bridged":
            self._go(target)
            return
        self._running = None
        if outcome != "caller_left" and self._talk is not None:
            self._go_on(self._talk, outcome, target, why)

    def _go_on(self, talk: Talker, outcome: Outcome, target: Target, why: str) -> None:
        """Do what the target's settings say about an end like this."""
        what = after(target, outcome)
        if isinstance(what, TargetAfter) and what.target not in self._been:
            self._hand_over(what.target, why)
        elif what == "hang_up":
            talk.end_with(told(outcome, target), reason="nobody took the call")
        else:
            self._speaking = asyncio.ensure_future(talk.hear_out(next_words(outcome, target, what)))

    def _go(self, target: Target) -> None:
        """Leave both to each other; only a supervisor can see the end of a call without an agent."""
        watched = is_supervised(self._ctx.room.metadata)
        if target.agent == "leaves" and watched and self._talk is not None:
            self._talk.leave("handed to a human")
        elif target.agent == "leaves":
            log.warning("the agent stays in the call: no `dialroom supervise` watches the room")

    def _on_left(self, identity: str) -> None:
        if self._running is None:
            return
        if identity == self._call.identity:
            self._running.tell(CallerGone())
        elif identity == self._running.bridged_with and self._talk is not None:
            self._talk.end("human hung up")

    async def _clean_up(self, _reason: str) -> None:
        self._departures.close()
        if self._running is not None:
            await self._running.aclose()
        elif self._run is not None:
            await asyncio.wait([self._run], timeout=TIDY_LIMIT_S)


async def _one_after_the_other(before: asyncio.Task[None] | None, run: Coroutine[Any, Any, None]) -> None:
    """Run a transfer when nothing of the one before is left: its human may be called again."""
    if before is not None:
        await asyncio.wait([before])
    await run
