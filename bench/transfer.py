"""`python -m bench.transfer`: how fast a caller and a colleague hear each other, and how the caller comes back.

One stack, one caller, one colleague who takes the call, declines it, or hangs up while briefed. Caller and colleague
each speak in a tone of their own, so that every packet says who is heard in it. Models of 0 ms behind the stand-ins.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench.handing_over import Measured, Telephones, declined, hung_up_on, merged
from bench.usage import cpu_seconds, machine_busy_s
from lab.caller.caller import Caller
from lab.figures import Figure, figure
from lab.running import new_run_dir
from lab.speech.voice import ToneVoice
from lab.stack import StackOptions, local_stack
from telephony.errors import DialroomError

CALLER_CPU_LIMIT, JITTER_LIMIT_MS = 0.70, 5.0
GOALS = (
    ("merge: colleague at the caller", "p95", 300.0),
    ("merge: caller at the colleague", "p95", 300.0),
    ("caller's mouth to colleague's ear", "p95", 250.0),
    ("colleague's mouth to caller's ear", "p95", 250.0),
    ("declined: agent at the caller", "p95", 300.0),
    ("colleague hung up: agent at the caller", "p95", 300.0),
    ("caller hung up, briefing: leg ends", "worst", 1000.0),
    ("caller hung up, merged: leg ends", "worst", 1000.0),
)
MANIFEST = """\
version: 1
deployment: bench-transfer
agents:
  desk:
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Be brief and kind.
    tools: [end_call]
    transfers: [front-office]
targets:
  front-office: {{ says: us, people: ["sip:asha@{colleague}"] }}
numbers:
  - {{ number: "+918071000701", route: {{ agent: desk }} }}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""


async def main() -> int:
    """Measure and print; 1 when a goal is missed or the run is void."""
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description=__doc__)
    parser.add_argument("--calls", type=int, default=10, help="of each kind; there are three")
    parser.add_argument("--gateway", choices=["auto", "lab", "livekit-sip"], default="auto")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    run_dir = new_run_dir("bench")
    async with AsyncExitStack() as exits:
        caller = await exits.enter_async_context(Caller(ToneVoice()))
        colleague = await exits.enter_async_context(Caller(ToneVoice(), takes_calls=True))
        manifest = run_dir / "transfer.yaml"
        host, port = colleague.sip.address
        manifest.write_text(MANIFEST.format(colleague=f"{host}:{port}"))
        options = StackOptions(
            run_dir=run_dir, manifest=manifest, gateway=arguments.gateway, voice="tone", ears="oracle"
        )
        stack = await exits.enter_async_context(local_stack(options))
        caller.speech_url = stack.speech_url
        phones = Telephones(caller=caller, colleague=colleague, number=stack.numbers[0], sip=stack.sip.address)
        await merged(phones)  # a warm-up
        told = Measured()
        began_s, own_s, busy_s, tree_s = _now()
        for index in range(arguments.calls):
            for kind in (merged, declined, hung_up_on):
                told.add(await kind(phones))
            print(f"  {index + 1}/{arguments.calls}", flush=True)
        ended_s, own_end_s, busy_end_s, tree_end_s = _now()
        seconds = ended_s - began_s
        cpu = (own_end_s - own_s) / seconds
        others = max(busy_end_s - busy_s - (tree_end_s - tree_s), 0.0) / seconds
        gateway = stack.gateway
    figures = [figure(name, told.samples[name]) for name, _, _ in GOALS]
    jitter_ms = told.lateness.percentile_ms(99)
    is_void = cpu > CALLER_CPU_LIMIT or jitter_ms > JITTER_LIMIT_MS
    print(f"gateway {gateway}, {os.cpu_count()} cores, other work on the machine {others:.2f} cores")
    met = _print(figures)
    print(f"telephones: {cpu:.0%} of a core, own packets {jitter_ms:.1f} ms late at p99")
    if is_void:
        print(
            f"VOID  the telephones took more than {CALLER_CPU_LIMIT:.0%} of a core, or their packets left more than"
            f" {JITTER_LIMIT_MS:.0f} ms late at p99: the figures do not count"
        )
    if arguments.json:
        content = {"gateway": gateway, "void": is_void, "figures": [told_figure.to_json() for told_figure in figures]}
        arguments.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    return 0 if met and not is_void else 1


def _print(figures: Sequence[Figure]) -> bool:
    """Print the table and the verdicts; say whether every goal is met. A miss is no sample, and meets nothing."""
    print(f"{'what':<40} {'n':>4} {'missed':>6} {'p50':>9} {'p95':>9} {'worst':>9}")
    for told in figures:
        values = f"{told.p50:>6.0f} ms {told.p95:>6.0f} ms {told.worst:>6.0f} ms"
        print(f"{told.name:<40} {told.n:>4} {told.missed:>6} {values}")
    every = True
    for told, (name, which, goal_ms) in zip(figures, GOALS, strict=True):
        found_ms = told.p95 if which == "p95" else told.worst
        met = found_ms <= goal_ms and not told.missed
        every = every and met
        print(f"{'PASS' if met else 'FAIL'}  {name} {which} {found_ms:.0f} ms ≤ {goal_ms:.0f} ms")
    return every


def _now() -> tuple[float, float, float, float]:
    return time.monotonic(), time.process_time(), machine_busy_s(), cpu_seconds(os.getpid())


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except DialroomError as error:
        sys.exit(str(error))
