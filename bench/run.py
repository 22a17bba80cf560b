"""A run: one stack, three arms that are called in turn, and what the processes used meanwhile."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms import CONTROLS, OURS, Arm, control_arm
from bench.calls import CALLER, QUESTIONS, HeldCall, ask, hold_call
from bench.figures import ArmFigures, arm_figures
from bench.report import Cost, Memory, Report
from bench.usage import child_with, cpu_seconds, machine_busy_s, settled
from lab.caller.caller import Caller
from lab.dial import caller_voice
from lab.media.statistics import Lateness
from lab.running import new_run_dir, shown
from lab.stack import Stack, StackOptions, local_stack

HELP_RUNS = 10
IDLE_S = 5.0
MEMORY_TURNS = 2
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: calls per arm, questions per call, and which gateway (`auto`, `lab`, `livekit-sip`)."""

    calls: int
    turns: int
    gateway: str


@dataclass(slots=True)
class Window:
    """CPU seconds of processes and of the machine, and the time, between two moments."""

    seconds: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    own_cpu_s: float = 0.0
    others_cpu_s: float = 0.0


async def measure(plan: Plan, *, say: Say) -> Report:
    """Carry a run out; `say` gets a line per step. Raises DialroomError when the stack does not come up."""
    run_dir = new_run_dir("bench")
    say(f"{plan.calls} calls of {plan.turns} turns for {1 + len(CONTROLS)} arms; logs: {shown(run_dir)}")
    help_ms = await asyncio.to_thread(_help_ms)
    options = StackOptions(run_dir=run_dir, gateway=plan.gateway, ears="oracle", extra_numbers=tuple(CONTROLS.values()))
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(local_stack(options))
        arms = [Arm(OURS, stack.numbers[0], stack.workers[0])]
        arms += [await exits.enter_async_context(control_arm(stack, name)) for name in CONTROLS]
        caller = await exits.enter_async_context(Caller(caller_voice(), speech_url=stack.speech_url, keep_sound=False))
        await caller.prepare((question,) for question in QUESTIONS)
        for arm in arms:
            await hold_call(caller, arm, sip=stack.sip.address, turns=2)
        say("warm-up calls done")
        return await _measure_arms(plan, caller, arms, stack, help_ms, say)


async def _measure_arms(
    plan: Plan, caller: Caller, arms: Sequence[Arm], stack: Stack, help_ms: float, say: Say
) -> Report:
    watched = {arm.name: arm.worker.pid for arm in arms}
    watched |= {"livekit-server": child_with(stack.options.run_dir / "livekit.yaml"), "gateway": stack.sip.process.pid}
    memory = await _memory(caller, arms[0], stack)
    for arm in arms:
        await settled(arm.worker.pid)
    with _window(watched) as idle:
        await asyncio.sleep(IDLE_S)
    with _window(watched) as busy:
        held = await _call_in_turn(plan, caller, arms, stack, say)
        for arm in arms:
            await settled(arm.worker.pid)
    lateness = Lateness()
    for call in held:
        lateness.merge(call.lateness)
    return Report(
        gateway=stack.gateway,
        cores=os.cpu_count() or 1,
        others_cores=busy.others_cpu_s / busy.seconds,
        arms=[arm_figures(arm.name, [call for call in held if call.arm == arm.name]) for arm in arms],
        help_ms=help_ms,
        caller_cpu=busy.own_cpu_s / busy.seconds,
        caller_jitter_p99_ms=lateness.percentile_ms(99),
        memory=memory,
        costs=_costs(watched, idle, busy, _call_seconds(held)),
    )


async def _call_in_turn(plan: Plan, caller: Caller, arms: Sequence[Arm], stack: Stack, say: Say) -> list[HeldCall]:
    """Call A B C A B C."""
    held: list[HeldCall] = []
    for index in range(plan.calls):
        held += [await hold_call(caller, arm, sip=stack.sip.address, turns=plan.turns) for arm in arms]
        told = [arm_figures(arm.name, [call for call in held if call.arm == arm.name]) for arm in arms]
        say(f"  {index + 1}/{plan.calls}: {', '.join(map(_glance, told))}")
    return held


def _glance(arm: ArmFigures) -> str:
    return f"{arm.name} {arm.voice_to_voice.p50:.0f} ms"


async def _memory(caller: Caller, arm: Arm, stack: Stack) -> Memory:
    """Read the worker when it is idle, and while it holds one call that has spoken for a few turns."""
    idle = await settled(arm.worker.pid)
    call = await caller.dial(arm.number, sip=stack.sip.address, from_number=CALLER)
    try:
        await ask(call, MEMORY_TURNS)
        during = await settled(arm.worker.pid)
    finally:
        await call.aclose()
    return Memory(
        idle_mb=idle.pss_mb,
        idle_processes=idle.processes,
        call_mb=during.pss_mb - idle.pss_mb,
        call_processes=during.processes - idle.processes,
    )


@contextmanager
def _window(watched: Mapping[str, int]) -> Iterator[Window]:
    """Yield a window that is filled in when the block ends."""
    window = Window()
    started_s, own_s, busy_s = time.monotonic(), time.process_time(), machine_busy_s()
    tree_s = cpu_seconds(os.getpid())
    before = {name: cpu_seconds(pid) for name, pid in watched.items()}
    yield window
    window.cpu_s = {name: cpu_seconds(pid) - before[name] for name, pid in watched.items()}
    window.own_cpu_s = time.process_time() - own_s
    window.others_cpu_s = max(machine_busy_s() - busy_s - (cpu_seconds(os.getpid()) - tree_s), 0.0)
    window.seconds = time.monotonic() - started_s


def _call_seconds(held: Sequence[HeldCall]) -> dict[str, float]:
    """Return how long the calls of each arm took together, from INVITE to end."""
    seconds: dict[str, float] = {}
    for call in held:
        seconds[call.arm] = seconds.get(call.arm, 0.0) + (call.result.duration_ms or 0.0) / 1000
    return seconds


def _costs(watched: Mapping[str, int], idle: Window, busy: Window, call_s: Mapping[str, float]) -> list[Cost]:
    """Return CPU per second of call beyond what the same process uses when nobody calls.

    A worker is set against the calls of its own arm, the servers against all calls.
    """
    costs = []
    for name in watched:
        rate = idle.cpu_s[name] / idle.seconds
        beyond_s = busy.cpu_s[name] - rate * busy.seconds
        seconds = call_s.get(name, sum(call_s.values()))
        label = f"{name} worker" if name in call_s else name
        costs.append(Cost(name=label, idle_cores=rate, per_call_second=beyond_s / seconds if seconds else None))
    return costs


def _help_ms() -> float:
    command = [str(Path(sys.executable).with_name("dialroom")), "--help"]
    times = []
    for _ in range(1 + HELP_RUNS):
        started_s = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        times.append((time.monotonic() - started_s) * 1000)
    return statistics.median(times[1:])
