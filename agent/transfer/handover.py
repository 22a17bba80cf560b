"""One transfer as it happens: events into the machine, its commands out to gates, leg and voices."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

import aiohttp
from livekit import api, rtc

from agent.transfer import commands, events, machine
from agent.transfer.attempt import Attempt
from agent.transfer.commands import Command, Where
from agent.transfer.consultation_room import Access
from agent.transfer.events import Event
from agent.transfer.gates import Gates
from agent.transfer.human import HumanSide, Line, MakeBriefing
from agent.transfer.machine import Transfer
from agent.transfer.outcome import COMES_BACK, Outcome
from agent.transfer.referral import refer, refer_to
from agent.transfer.strategy import choose
from agent.transfer.waiting import CallerSide, Waiting
from telephony.manifest.targets import Mode, Strategy, Target

log = logging.getLogger("dialroom.transfer")

_NOT_CONFIRMED = (api.ServerError, aiohttp.ClientError, OSError, TimeoutError, rtc.ConnectError)


class Handover:
    """Runs one transfer. `finished` is told the outcome once, when the caller hears the agent or the human again.

    `name` is the target's; `closed` are those of its people who may not be called at this hour.
    """

    def __init__(
        self,
        room: rtc.Room,
        client: api.LiveKitAPI,
        access: Access,
        *,
        caller: str,
        name: str,
        target: Target,
        closed: Collection[int],
        notice: str,
        side: CallerSide,
        make_briefing: MakeBriefing,
        dial_from: Callable[[], Awaitable[Line]],
        finished: Callable[[Outcome], None],
    ) -> None:
        self._room, self._client, self._access, self._caller = room, client, access, caller
        self._name, self._target, self._closed = name, target, closed
        self._notice, self._side = notice, side
        self._dial_from, self._finished = dial_from, finished
        self._gates = Gates(room, client, caller=caller)
        self._waiting = Waiting(
            room,
            self._gates,
            side,
            target,
            phase=lambda: self._phase,
            human=lambda: self._human.leg.identity if self._human.leg else None,
            confirmed=self._confirmed,
        )
        self._human = HumanSide(
            room,
            client,
            access,
            self._gates,
            self._waiting,
            caller=caller,
            target=target,
            make_briefing=make_briefing,
            phase=lambda: self._phase,
            tell=self.tell,
            spawn=self._spawn,
            confirmed=self._confirmed,
        )
        self._strategy: Strategy = "gated_room"
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._work: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._attempt: Attempt | None = None
        self._state: Transfer | None = None
        self.bridged_with: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether the outcome is known."""
        return self._state is not None and self._state.phase == "over"

    def tell(self, event: Event) -> None:
        """Put in an event from outside: the caller cancels or leaves."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        """Go through the transfer to its end."""
        self._strategy = await choose(
            self._target.strategy, self._client, room=self._room.name, on_cloud=self._access.is_cloud
        )
        self._state, wanted = machine.begin(self._target, closed=self._closed, strategy=self._strategy)
        self._do_all(wanted)
        while not self.is_over:
            event = await self._events.get()
            before = self._state
            self._state, wanted = machine.step(before, event)
            self._note(event, before)
            self._do_all(wanted)
        while self._work:
            await asyncio.gather(*self._work, return_exceptions=True)

    async def aclose(self) -> None:
        """Leave nothing of it behind but a leg that both talk over."""
        self._stop_timer()
        if self._state is not None and not self.is_over:
            ended = self._state.outcome or "failed"
            if self._attempt is not None:
                log.info("transfer attempt", extra=self._attempt.ended(ended))
            self._note_end(ended, (*self._state.tried, ended))
        for task in self._work:
            task.cancel()
        await self._drop_human(remove=self.bridged_with is None)
        await self._human.aclose()

    def _note(self, event: Event, before: Transfer) -> None:
        """Keep what an event has changed, for whoever reads the log."""
        assert self._state is not None
        if self._state.phase != before.phase:
            log.info("transfer", extra={"from": before.phase, "to": self._state.phase, "event": type(event).__name__})
        if self._attempt is None:
            return
        if isinstance(event, events.Answered):
            self._attempt.answered_s = self._attempt.answered_s or time.monotonic()
        elif isinstance(event, events.Decided):
            self._attempt.decided_s = self._attempt.decided_s or time.monotonic()
        if len(self._state.tried) > len(before.tried):
            if self._human.leg is not None:
                self._attempt.sip_status = self._human.leg.sip_status
            log.info("transfer attempt", extra=self._attempt.ended(self._state.tried[-1]))
            self._attempt = None

    def _do_all(self, wanted: tuple[Command, ...]) -> None:
        for command in wanted:
            self._do(command)

    def _do(self, command: Command) -> None:
        match command:
            case commands.SetTimer(serial, seconds):
                self._stop_timer()
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(seconds, self.tell, events.TimedOut(serial))
            case commands.SayNotice():
                self._spawn(self._say_notice())
            case commands.Refer(person):
                self._spawn(self._refer(person))
            case commands.CloseGates(where):
                self._spawn(self._confirmed(self._close(where), events.GatesClosed()))
            case commands.Dial(person, mode):
                self._spawn(self._dial(person, mode))
            case commands.LetCallerHear():
                self._hearing = self._spawn(self._confirmed(self._gates.let_caller_hear(), None))
            case commands.CloseCaller():
                self._spawn(self._confirmed(self._gates.close_caller(), None))
            case commands.Brief():
                if self._human.briefing:
                    self._human.briefing.announce()
            case commands.Introduce():
                self._spawn(self._introduce())
            case commands.TellOfRedial():
                self._spawn(self._tell_of_redial())
            case commands.RemoveHuman():
                if self._human.leg:
                    self._human.leg.remove()
            case commands.Merge():
                self._spawn(self._merge())
            case commands.Finish(outcome):
                self._note_end(outcome, self._state.tried if self._state else ())
                self._spawn(self._finish(outcome))

    async def _say_notice(self) -> None:
        await self._side.hear_out(self._notice)
        self.tell(events.NoticeHeard())

    async def _close(self, where: Where) -> None:
        before = self._human.place
        await self._drop_human(remove=True)
        deaf = self._target.privacy == "strict" and self._strategy == "gated_room"
        await self._waiting.begin(self._caller, deaf=deaf)
        await self._human.leave(before)
        if self._phase == "closing":
            await self._human.open(where)

    async def _refer(self, person: int) -> None:
        whom, line = self._target.people[person], await self._dial_from()
        self._attempt = Attempt(target=self._name, person=person, mode="blind", way="refer")
        event, self._attempt.sip_status = await refer(
            self._client,
            room=self._room.name,
            caller=self._caller,
            to=refer_to(whom, domain=line.domain),
            ring_s=whom.ring_s,
            headers=self._target.headers,
        )
        self.tell(event)

    async def _dial(self, person: int, mode: Mode) -> None:
        line = await self._dial_from()
        if self._phase != "dialling":  # called off meanwhile
            self.tell(events.DialFailed("cancelled"))
            return
        leg = self._human.dial(person, mode, line)
        if mode == self._target.mode_of(person) or self._attempt is None:
            self._attempt = Attempt(
                target=self._name, person=person, mode=mode, way="dial", leg=leg.identity, strategy=self._strategy
            )
        else:
            self._attempt.again = leg.identity

    async def _introduce(self) -> None:
        assert self._human.briefing is not None
        await self._waiting.introduce(self._human.briefing)
        self.tell(events.Introduced())

    async def _tell_of_redial(self) -> None:
        await self._human.tell_of_redial()
        self.tell(events.RedialTold())

    @property
    def _phase(self) -> machine.Phase:
        return "over" if self._state is None else self._state.phase

    async def _merge(self) -> None:
        self._side.be_silent()
        try:
            async with asyncio.timeout(machine.GATE_LIMIT_S):
                bridged_with = await self._human.merge()
        except _NOT_CONFIRMED as error:
            if isinstance(error, api.ServerError) and error.code == "not_found":
                log.info("somebody left while both were put through")  # the room tells who
                return
            log.exception("the merge is not confirmed")
            self.tell(events.MergeFailed())
        else:
            self.bridged_with = bridged_with
            self.tell(events.Merged())

    async def _finish(self, outcome: Outcome) -> None:
        """Tell the end. A caller who comes back hears the agent first: a briefing takes some 0.3 s to be closed."""
        self._stop_timer()
        comes_back = outcome in COMES_BACK
        if comes_back:
            self._waiting.hush()
            await self._tell_end(outcome)
        await self._drop_human(remove=outcome != "bridged")
        await self._waiting.aclose()
        if not comes_back:
            await self._tell_end(outcome)

    async def _tell_end(self, outcome: Outcome) -> None:
        if self._hearing is not None:
            await self._hearing
        self._finished(outcome)

    def _note_end(self, outcome: Outcome, tried: Sequence[Outcome]) -> None:
        log.info("transfer over", extra={"outcome": outcome, "tried": list(tried)})

    async def _drop_human(self, *, remove: bool) -> None:
        if self._phase == "over":
            self._waiting.stop_updates()
        await self._human.drop(remove=remove)

    async def _confirmed(self, work: Coroutine[Any, Any, None], event: Event | None) -> None:
        """Tell an event when it worked, GateLost when not."""
        try:
            await work
        except _NOT_CONFIRMED as error:
            log.warning("a gate is not confirmed", extra={"error": type(error).__name__, "pii_error": str(error)})
            self.tell(events.GateLost())
        else:
            if event is not None:
                self.tell(event)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a step of the transfer failed", exc_info=error)
            self.tell(events.GateLost())
