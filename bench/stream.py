"""`python -m bench.stream`: the same agent over SIP and LiveKit, and over Vobiz's `<Stream>`, in one run.

Three arms take turns on one stack: `sip` (caller → SIP node), `carrier` (caller → carrier → SIP node: the same with the
stand-in in between) and `stream` (caller → carrier → socket). Models of 0 ms behind the stand-ins.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.arms import Arm
from bench.calls import ANSWER_LIMIT_S, CALLER, GREETING_SILENCE_S, QUESTIONS, HeldCall, hold_call
from bench.figures import arm_figures
from bench.usage import cpu_seconds
from lab.caller.caller import RING_TIMEOUT_S, Caller
from lab.caller.report import result_of
from lab.dial import caller_voice
from lab.figures import Figure, figure
from lab.media.statistics import Lateness
from lab.running import new_run_dir
from lab.stack import Stack, StackOptions, local_stack
from telephony.errors import DialroomError

LONG, INTERRUPTION = "Please tell me about your services.", "Wait, where is the clinic?"
INTERRUPTED_AFTER_S = 1.5
GAIN_MS, INTERRUPTION_P50_MS, JITTER_LIMIT_MS = 100.0, 350.0, 5.0
MANIFEST = """\
version: 1
deployment: bench-stream
agents:
  desk:
    greeting: Hello, this is Lotus Dental Clinic. How can I help you?
    goodbye: Goodbye.
    instructions: Be brief and kind.
    tools: [end_call]
numbers:
  - { number: "+918071000801", route: { agent: desk } }
  - { number: "+918071000802", route: { stream: { server: "${DIALROOM_STREAM_SERVER}", agent: desk } } }
livekit: { sip_host: "${LIVEKIT_SIP_HOST:-sip.example.com}" }
"""


@dataclass(frozen=True, slots=True)
class Way:
    """An arm, where its calls are sent, and the processes that carry them."""

    arm: Arm
    sip: str
    pids: tuple[int, ...]


@dataclass(slots=True)
class Told:
    """What one way came to: calls, interruptions in ms, and CPU seconds per second of call."""

    way: Way
    held: list[HeldCall]
    interruptions: list[float | None]
    lateness: Lateness
    cpu_s: float = 0.0
    call_s: float = 0.0


async def main() -> int:
    """Measure and print; 1 when a goal is missed or the run is void."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description=__doc__)
    parser.add_argument("--calls", type=int, default=10, help="per arm, and as many with an interruption")
    parser.add_argument("--turns", type=int, default=5, help="per call; the first is dropped")
    parser.add_argument("--gateway", choices=["auto", "lab", "livekit-sip"], default="auto")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    run_dir = new_run_dir("bench")
    manifest = run_dir / "stream.yaml"
    manifest.write_text(MANIFEST)
    options = StackOptions(run_dir=run_dir, manifest=manifest, gateway=arguments.gateway, ears="oracle", stream=True)
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(local_stack(options))
        caller = await exits.enter_async_context(Caller(caller_voice(), speech_url=stack.speech_url, keep_sound=False))
        await caller.prepare([*((question,) for question in QUESTIONS), (LONG,), (INTERRUPTION,)])
        told = [Told(way, [], [], Lateness()) for way in _ways(stack)]
        for each in told:
            await hold_call(caller, each.way.arm, sip=each.way.sip, turns=2)
        for index in range(arguments.calls):
            for each in told:
                await _measure(caller, each, arguments.turns)
            print(f"  {index + 1}/{arguments.calls}", flush=True)
        gateway = stack.gateway
    print(f"gateway {gateway}, {os.cpu_count()} cores")
    met = _print(told)
    if arguments.json:
        content = {"gateway": gateway, "arms": [_json(each) for each in told]}
        arguments.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    return 0 if met else 1


def _ways(stack: Stack) -> Sequence[Way]:
    sip_number, stream_number = stack.numbers
    (worker,), stream = stack.workers, stack.stream
    assert stream is not None
    room = (worker.pid, stack.sip.process.pid, *(child.pid for child in stack.processes if "livekit" in child.name))
    return (
        Way(Arm("sip", sip_number, worker), stack.sip.address, room),
        Way(Arm("carrier", sip_number, worker), stack.carrier_sip, room),
        Way(Arm("stream", stream_number, stream), stack.carrier_sip, (stream.pid,)),
    )


async def _measure(caller: Caller, told: Told, turns: int) -> None:
    before_s = sum(map(cpu_seconds, told.way.pids))
    held = await hold_call(caller, told.way.arm, sip=told.way.sip, turns=turns)
    told.held.append(held)
    told.cpu_s += sum(map(cpu_seconds, told.way.pids)) - before_s
    told.call_s += (held.result.duration_ms or 0.0) / 1000
    told.lateness.merge(held.lateness)
    told.interruptions.append(await _interrupt(caller, told.way))


async def _interrupt(caller: Caller, way: Way) -> float | None:
    """Return the ms from the caller's first packet with speech to the agent's last one; None is a miss."""
    call = await caller.start_call(way.arm.number, sip=way.sip, from_number=CALLER)
    try:
        if not await call.wait_answered(ring_timeout_s=RING_TIMEOUT_S):
            return None
        await call.hear_turn(timeout_s=ANSWER_LIMIT_S, silence_s=GREETING_SILENCE_S)
        await call.say(LONG)
        await call.barge_in(INTERRUPTION, after_s=INTERRUPTED_AFTER_S, timeout_s=ANSWER_LIMIT_S)
        await call.hear_turn(timeout_s=ANSWER_LIMIT_S)
    finally:
        await call.aclose()
    return next((turn.barge_in_ms for turn in result_of(call).turns if turn.barged_in), None)


def _print(told: Sequence[Told]) -> bool:
    print(f"{'arm':<10} {'what':<24} {'n':>4} {'missed':>6} {'p50':>9} {'p95':>9}")
    voice: dict[str, float] = {}
    stopped: dict[str, Figure] = {}
    jitter_ms = 0.0
    for each in told:
        name, summary = each.way.arm.name, arm_figures(each.way.arm.name, each.held)
        stopped[name] = figure("interruption", each.interruptions)
        for row in (summary.answer, summary.first_audio, summary.voice_to_voice, stopped[name]):
            print(f"{name:<10} {row.name:<24} {row.n:>4} {row.missed:>6} {row.p50:>6.0f} ms {row.p95:>6.0f} ms")
        print(f"{name:<10} cut-offs {summary.cut_off}; CPU {each.cpu_s / each.call_s:.3f} s per second of call")
        for what in summary.odd:
            print(f"  {what}")
        voice[name] = math.inf if summary.voice_to_voice.missed else summary.voice_to_voice.p50
        jitter_ms = max(jitter_ms, each.lateness.percentile_ms(99))
    print(f"caller's own packets {jitter_ms:.1f} ms late at p99")
    gain_ms, ours = voice["sip"] - voice["stream"], stopped["stream"]
    goals = (
        (f"voice to voice p50: stream is {gain_ms:.0f} ms faster than sip, ≥ {GAIN_MS:.0f} ms", gain_ms >= GAIN_MS),
        (
            f"stream: interruption p50 {ours.p50:.0f} ms ≤ {INTERRUPTION_P50_MS:.0f} ms",
            ours.p50 <= INTERRUPTION_P50_MS and not ours.missed,
        ),
    )
    for goal, met in goals:
        print(f"{'PASS' if met else 'FAIL'}  {goal}")
    is_void = jitter_ms > JITTER_LIMIT_MS
    if is_void:
        print(
            f"VOID  the caller's packets left more than {JITTER_LIMIT_MS:.0f} ms late at p99: the figures do not count"
        )
    return all(met for _, met in goals) and not is_void


def _json(told: Told) -> dict[str, object]:
    summary = arm_figures(told.way.arm.name, told.held)
    rows = (summary.answer, summary.first_audio, summary.voice_to_voice, figure("interruption", told.interruptions))
    return {
        "name": summary.name,
        "figures": [row.to_json() for row in rows],
        "cut_off": summary.cut_off,
        "cpu_per_call_second": round(told.cpu_s / told.call_s, 4) if told.call_s else None,
    }


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except DialroomError as error:
        sys.exit(str(error))
