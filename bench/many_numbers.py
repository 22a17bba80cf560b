"""`python -m bench.many_numbers`: does a call take longer to set up when 10,000 numbers are provisioned?

One stack, one agent, one number that is called: with that number alone, with all of them on one trunk, with many trunks
of one number each, and alone again, since livekit-server reads every trunk and rule for every INVITE.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from lab.caller.caller import Caller
from lab.caller.report import result_of
from lab.dial import caller_voice
from lab.figures import Figure, figure
from lab.running import new_run_dir
from lab.stack import Stack, StackOptions, local_stack
from provision.run import provision_manifest
from provision.settings import ProvisionSettings
from telephony.errors import DialroomError
from telephony.manifest.number_lines import NumberEntry

RATIO_GOAL = 1.2
FIRST = 918072000000
CALLER = "+919812345678"


async def main() -> int:
    """Measure and print; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.many_numbers", description=__doc__)
    parser.add_argument("--numbers", type=int, default=10_000)
    parser.add_argument(
        "--trunks", type=int, default=200, help="numbers with settings of their own; not in the verdict"
    )
    parser.add_argument("--calls", type=int, default=20, help="per round; there are four")
    parser.add_argument("--gateway", choices=["auto", "lab", "livekit-sip"], default="auto")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    options = StackOptions(run_dir=new_run_dir("bench"), gateway=arguments.gateway, ears="oracle")
    async with (
        local_stack(options) as stack,
        Caller(caller_voice(), speech_url=stack.speech_url, keep_sound=False) as caller,
    ):
        rounds: list[tuple[str, Figure]] = []
        await _round(stack, caller, 3)
        for name, count, apart in (
            ("1 number", 1, False),
            (f"{arguments.numbers} numbers, 1 trunk", arguments.numbers, False),
            (f"{arguments.trunks} trunks", arguments.trunks, True),
            ("1 number", 1, False),
        ):
            await _provision(stack, count, apart=apart)
            told = await _round(stack, caller, arguments.calls)
            rounds.append((name, told))
            print(
                f"{name:<24} n {told.n}, missed {told.missed}, p50 {told.p50:.0f} ms, p95 {told.p95:.0f} ms", flush=True
            )
    alone = min(rounds[0][1].p50, rounds[-1][1].p50)
    ratio = rounds[1][1].p50 / alone
    met = ratio <= RATIO_GOAL and not any(told.missed for _, told in rounds)
    verdict = "PASS" if met else "FAIL"
    print(f"{verdict}  INVITE → 200 p50 with {arguments.numbers} numbers / alone {ratio:.2f} ≤ {RATIO_GOAL}")
    if arguments.json:
        told_rounds = [{"numbers": name, **told.to_json()} for name, told in rounds]
        content = {"gateway": stack.gateway, "ratio": round(ratio, 3), "rounds": told_rounds}
        arguments.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    return 0 if met else 1


async def _provision(stack: Stack, count: int, *, apart: bool) -> None:
    """Let the stack's own number be followed by others of the same agent; `apart` each has a trunk of its own."""
    own = stack.manifest.numbers[0]
    others = [own.model_copy(update={"number": f"+{FIRST + index}"}) for index in range(count - 1)]
    if apart:
        others = [_apart(entry, index) for index, entry in enumerate(others)]
    if others:
        await _owned(stack, others)
    manifest = stack.manifest.model_copy(update={"numbers": (own, *others)})
    await provision_manifest(manifest, ProvisionSettings.from_environ(stack.environ))


def _apart(entry: NumberEntry, index: int) -> NumberEntry:
    limits = entry.settings.limits.model_copy(update={"max_call_s": 600 + index})
    return entry.model_copy(update={"settings": entry.settings.model_copy(update={"limits": limits})})


async def _owned(stack: Stack, entries: list[NumberEntry]) -> None:
    url = stack.carrier_url.partition("/api/")[0] + "/lab/numbers"
    body = {"owned": [entry.number for entry in entries]}
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
        answer.raise_for_status()


async def _round(stack: Stack, caller: Caller, calls: int) -> Figure:
    samples: list[float | None] = []
    for _ in range(calls):
        call = await caller.start_call(stack.numbers[0], sip=stack.sip.address, from_number=CALLER)
        try:
            await call.wait_answered(ring_timeout_s=20)
            await call.hear_turn(timeout_s=10, silence_s=0.3)
        finally:
            await call.aclose()
        samples.append(result_of(call).answer_ms)
        await asyncio.sleep(1.0)  # the next call process is warm again
    return figure("INVITE → 200", samples)


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except DialroomError as error:
        sys.exit(str(error))
