"""`python -m bench`: voice to voice and call set-up on the wire, beside two control arms in the same run.

Models of 0 ms behind the stand-ins, an oracle instead of recognition: what is measured is everything else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

from bench.arms import CONTROLS, OURS, Arm, control_arm
from bench.report import Report, arm_figures, usage_lines
from bench.usage import read
from lab.caller.caller import Caller
from lab.caller.result import CallResult
from lab.caller.run import follow
from lab.caller.script import Script, parse_script
from lab.dial import caller_voice
from lab.running import new_run_dir, shown
from lab.stack import Stack, StackOptions, local_stack

QUESTIONS = ("What are your opening hours?", "Where is the clinic?", "Is there parking?", "How much is a check up?")
CALLER = "+919812345678"
SILENCE_S = 0.7
HELP_RUNS = 10


def main() -> int:
    """Measure and print; exit 1 when a goal is missed or the run is void."""
    arguments = _arguments()
    report = asyncio.run(_measure(arguments))
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_json(), indent=2))
    return 0 if not report.void and all(met for _, met in report.verdicts()) else 1


async def _measure(arguments: argparse.Namespace) -> Report:
    run_dir = new_run_dir("bench")
    print(
        f"{arguments.calls} calls of {arguments.turns} turns for {1 + len(CONTROLS)} arms; logs: {shown(run_dir)}",
        flush=True,
    )
    options = StackOptions(
        run_dir=run_dir, gateway=arguments.gateway, ears="oracle", extra_numbers=list(CONTROLS.values())
    )
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(local_stack(options))
        arms = [Arm(OURS, stack.numbers[0], stack.workers[0])]
        arms += [await exits.enter_async_context(control_arm(stack, name)) for name in CONTROLS]
        caller = await exits.enter_async_context(Caller(caller_voice(), speech_url=stack.speech_url, keep_sound=False))
        script = _script(arguments.turns)
        await caller.prepare(script.sentences())
        for arm in arms:
            await _call(caller, script, arm, stack)
        return await _arms(arguments.calls, caller, script, arms, stack)


async def _arms(calls: int, caller: Caller, script: Script, arms: list[Arm], stack: Stack) -> Report:
    """Call the arms in turn, A B C A B C; the first of each arm was a warm-up and is not counted."""
    watched = {"worker": arms[0].worker.pid, "SIP node": stack.sip.process.pid}
    before = {name: read(pid).cpu_s for name, pid in watched.items()}
    idle = read(arms[0].worker.pid)
    results: defaultdict[str, list[CallResult]] = defaultdict(list)
    started_s, cpu_s = time.monotonic(), time.process_time()
    for index in range(calls):
        for arm in arms:
            results[arm.name].append(await _call(caller, script, arm, stack))
        print(f"  {index + 1}/{calls}: {_glance(results)}", flush=True)
    caller_cpu = (time.process_time() - cpu_s) / (time.monotonic() - started_s)
    spent = {name: read(pid).cpu_s - before[name] for name, pid in watched.items()}
    seconds = {name: sum((r.duration_ms or 0) / 1000 for r in found) for name, found in results.items()}
    per_call = {"worker": spent["worker"], "SIP node": spent["SIP node"] * seconds[OURS] / sum(seconds.values())}
    everything = [result for found in results.values() for result in found]
    return Report(
        gateway=stack.gateway,
        arms=[arm_figures(arm.name, results[arm.name]) for arm in arms],
        help_ms=await asyncio.to_thread(_help_ms),
        caller_cpu=caller_cpu,
        caller_jitter_p99_ms=statistics.median(result.caller.send_jitter_p99_ms for result in everything),
        usage=usage_lines(
            per_call, seconds[OURS], idle.pss_mb, await _memory_of_a_call(caller, arms[0], stack, idle.pss_mb)
        ),
    )


async def _call(caller: Caller, script: Script, arm: Arm, stack: Stack) -> CallResult:
    return await follow(caller, script, arm.number, sip=stack.sip.address, from_number=CALLER)


async def _memory_of_a_call(caller: Caller, arm: Arm, stack: Stack, idle_mb: float) -> float:
    call = await caller.dial(arm.number, sip=stack.sip.address, from_number=CALLER)
    await call.hear_turn(timeout_s=20)
    during_mb = read(arm.worker.pid).pss_mb
    await call.hang_up()
    return during_mb - idle_mb


def _script(turns: int) -> Script:
    steps = [f"- hear: {{timeout_s: 20, silence_s: {SILENCE_S}}}"]
    for index in range(turns):
        steps += [f'- say: "{QUESTIONS[index % len(QUESTIONS)]}"', steps[0]]
    return parse_script("\n".join([*steps, "- hang_up"]))


def _glance(results: dict[str, list[CallResult]]) -> str:
    told = [arm_figures(name, found) for name, found in results.items()]
    return ", ".join(f"{arm.name} {arm.voice_to_voice.p50:.0f} ms" for arm in told)


def _help_ms() -> float:
    command = [str(Path(sys.executable).with_name("dialroom")), "--help"]
    times = []
    for _ in range(HELP_RUNS):
        started_s = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        times.append((time.monotonic() - started_s) * 1000)
    return statistics.median(times)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="per arm")
    parser.add_argument("--turns", type=int, default=8, help="per call; the first is dropped")
    parser.add_argument("--gateway", choices=["auto", "lab", "livekit-sip"], default="auto")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
