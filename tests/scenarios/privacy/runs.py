"""One call of a run: a colleague who talks from the first packet on is briefed, something happens, they decide."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Literal

import psutil

from lab.caller.events import first_of
from lab.caller.tape import Tape
from lab.stack import Stack
from tests.lab.gateway.telephone import Line
from tests.scenarios.conftest import eventually
from tests.scenarios.desk import HEAR_S, now_s
from tests.scenarios.jobs import busy
from tests.scenarios.privacy.lanes import Lane, gathered
from tests.scenarios.privacy.sound import EVERYBODY_HZ, HUMAN_HZ, HUMAN_LEAST, OVERTONE_HZ, voices

Circumstance = Literal["quiet", "starved", "resumed", "crashed", "slow", "away"]
ROUNDS: Sequence[Circumstance] = ("quiet", "starved", "resumed", "crashed", "quiet")
"""In none of them: `slow`, what the caller's leg tells LiveKit comes 1.5 s late, among it that it subscribes to the
colleague; `away`, the caller's leg is without LiveKit for too long to resume, and subscribes to everything anew.
"""
LISTENS_S, AFTER_S = (0.5, 1.5), 1.0
LATE_S = 1.5
RESUMES_S = 1.5
AWAY_S, BACK_S = 20.0, 12.0
BRIEFED_S = 40.0
LOOPS = 3
Crash = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one call goes."""

    circumstance: Circumstance
    ring_s: float
    listens_s: float
    key: Literal["1", "2"]
    resumes: Literal["caller", "human"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a call, as the caller's packets have it.

    `packets` came before the merge; `human` are those with the colleague in them, `voice` those with the agent in them
    while a colleague was there; `loudest` are their amplitudes. `briefed`: the colleague heard the agent. `digits` are
    RTP events.
    """

    plan: Plan
    briefed: bool
    packets: int
    human: int
    voice: int
    loudest: tuple[float, float]
    digits: int

    @property
    def leaks(self) -> bool:
        return bool(self.human or self.voice)


def plans(circumstance: Circumstance, count: int, dice: random.Random) -> list[Plan]:
    """Return the calls of one round; the first rings for 0 s."""
    return [
        Plan(
            circumstance=circumstance,
            ring_s=dice.uniform(0, 1) if index else 0.0,
            listens_s=dice.uniform(*LISTENS_S),
            key=dice.choice(("1", "2")),
            resumes=("caller", "human")[index % 2],
        )
        for index in range(count)
    ]


async def run_round(lanes: Sequence[Lane], given: Sequence[Plan]) -> list[Told]:
    """Make the calls of a round, all at once."""
    together = asyncio.Barrier(len(given))

    async def crash() -> None:
        """End every agent at the moment when all colleagues are being briefed."""
        async with asyncio.timeout(BRIEFED_S):
            is_first = await together.wait() == 0
        if is_first:
            for process in await _all_busy(lanes[0].stack, len(given)):
                process.kill()

    with starved() if given[0].circumstance == "starved" else nullcontext():
        return await gathered(*(hold(lane, plan, crash) for lane, plan in zip(lanes, given, strict=False)))


async def hold(lane: Lane, plan: Plan, crash: Crash) -> Told:
    """Make one call."""
    async with lane.caller() as (caller, tape):
        await caller.say(lane.asks)
        if plan.circumstance == "slow":
            lane.link.hold(lane.number)
        try:
            call = await lane.colleague.called()
            dialled_s = now_s()
            await lane.say_nothing(call.call_id)
            if plan.ring_s:
                await call.ringing()
                await asyncio.sleep(plan.ring_s)
            async with lane.colleague.pick_up(call, hertz=(HUMAN_HZ, OVERTONE_HZ)) as human:
                was_briefed = await _briefed(human)
                merged_s, private_s = await _decide(lane, plan, human, crash) if was_briefed else (None, now_s())
                if merged_s is not None:
                    await eventually(lambda: _hears_human(tape, since_s=merged_s), limit_s=HEAR_S)
            await asyncio.sleep(AFTER_S)
        finally:
            lane.link.release(lane.number)
    assert caller.talk is not None
    heard = voices(*tape.amplitudes(EVERYBODY_HZ))
    before = heard.between(0, merged_s or float("inf"))
    private = heard.between(dialled_s, private_s)
    return Told(
        plan=plan,
        briefed=was_briefed,
        packets=len(before.at_s),
        human=before.with_human,
        voice=private.with_agent,
        loudest=(float(before.human.max()), float(private.agent.max())),
        digits=len(caller.talk.digits),
    )


async def _decide(lane: Lane, plan: Plan, human: Line, crash: Crash) -> tuple[float | None, float]:
    """Let it happen; return when the colleague took the call, if so, and until when the agent may not be heard."""
    if plan.circumstance == "slow":
        await asyncio.sleep(LATE_S)
        lane.link.release(lane.number)
        await asyncio.sleep(RESUMES_S)
    if plan.circumstance == "resumed":
        assert lane.link.cut(lane.number if plan.resumes == "caller" else await lane.human_identity())
        await asyncio.sleep(RESUMES_S)
    if plan.circumstance == "away":
        assert lane.link.cut(lane.number, stays_away=True)
        await asyncio.sleep(AWAY_S)
        lane.link.restore(lane.number)
        await first_of(human.call.ended, timeout_s=BACK_S)
        if human.call.end_reason:
            return None, now_s()
    await asyncio.sleep(plan.listens_s)
    if plan.circumstance == "crashed":
        await crash()
        await human.ended()
        return None, now_s()
    decided_s = now_s()
    human.rtp.send_dtmf(plan.key)
    if plan.key == "2":
        assert await human.ended() == ("remote", "bye")
        return None, now_s()
    return decided_s, float("inf")


async def _briefed(human: Line) -> bool:
    """Wait for the agent's words. A transfer that fails, as on a starved machine it may, ends the colleague's leg."""

    async def told() -> bool:
        return human.ear.frequency is not None or human.call.end_reason is not None

    with suppress(TimeoutError):
        await eventually(told, limit_s=BRIEFED_S)
    return human.call.end_reason is None and human.ear.frequency is not None


async def _hears_human(tape: Tape, *, since_s: float) -> bool:
    return tape.first([HUMAN_HZ], least=HUMAN_LEAST, since_s=since_s) is not None


async def _all_busy(stack: Stack, count: int) -> list[psutil.Process]:
    async def there() -> bool:
        return len(busy(stack)) >= count

    await eventually(there)
    return busy(stack)


@contextmanager
def starved() -> Iterator[None]:
    """Let busy loops take the machine for as long as the block lasts."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(LOOPS)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
