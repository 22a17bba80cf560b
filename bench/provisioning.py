"""`python -m bench.provisioning`: how long `apply` takes for many numbers, against a carrier that answers slowly.

The real livekit-server, the carrier's stand-in with 50 ms per API call, and the command as a process of its own: first
apply, unchanged apply, destroy; then the first apply again against a token bucket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import psutil

from lab.servers.livekit import ROOT, LiveKit, livekit_server
from lab.servers.ports import free_port
from lab.servers.process import child
from lab.servers.valkey import valkey
from telephony.errors import DialroomError

FIRST = 918071000000
GOALS = {"first apply": 60.0, "unchanged apply": 5.0}
MEMORY_GOAL_MB, RATE_RATIO_GOAL = 300.0, 1.3
RATE_PER_S, RATE_BURST = 200, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command: how long it took, the most memory it had (RSS), and what the carrier was asked."""

    name: str
    seconds: float
    memory_mb: float
    requests: int
    writes: int


async def main() -> int:
    """Measure and print; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.provisioning", description=__doc__)
    parser.add_argument("--numbers", type=int, default=10_000)
    parser.add_argument("--latency-ms", type=int, default=50)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        async with _world(Path(folder), arguments.numbers, arguments.latency_ms) as (environ, control):
            for name, words in (
                ("first apply", ("apply", "--yes", "--json")),
                ("unchanged apply", ("apply", "--yes", "--json")),
                ("destroy", ("destroy", "--yes", "--json")),
            ):
                runs.append(await _timed(name, words, environ, control, Path(folder)))
                print(_line(runs[-1]), flush=True)
            await _post(control, "/lab/habits", {"rate_per_s": RATE_PER_S, "rate_burst": RATE_BURST})
            runs.append(
                await _timed("first apply, rate limited", ("apply", "--yes", "--json"), environ, control, Path(folder))
            )
            print(_line(runs[-1]), flush=True)
    verdicts = _verdicts(runs)
    for goal, met in verdicts:
        print(f"{'PASS' if met else 'FAIL'}  {goal}")
    if arguments.json:
        told = {"numbers": arguments.numbers, "latency_ms": arguments.latency_ms, "runs": [asdict(run) for run in runs]}
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf8")
    return 0 if all(met for _, met in verdicts) else 1


def _verdicts(runs: list[Run]) -> list[tuple[str, bool]]:
    first, again, _, limited = runs
    found = [
        (f"{run.name} {run.seconds:.1f} s ≤ {GOALS[run.name]:.0f} s", run.seconds <= GOALS[run.name])
        for run in (first, again)
    ]
    most = max(run.memory_mb for run in runs)
    allowed_s = (limited.requests - RATE_BURST) / RATE_PER_S
    ratio = limited.seconds / allowed_s
    return [
        *found,
        (f"writes of the unchanged apply {again.writes} = 0", again.writes == 0),
        (f"memory {most:.0f} MB ≤ {MEMORY_GOAL_MB:.0f} MB", most <= MEMORY_GOAL_MB),
        (f"rate limited: {ratio:.2f} of the time that the rate allows, ≤ {RATE_RATIO_GOAL}", ratio <= RATE_RATIO_GOAL),
    ]


def _line(run: Run) -> str:
    return (
        f"{run.name:<28} {run.seconds:>7.1f} s   {run.memory_mb:>5.0f} MB"
        f"   {run.requests:>6} requests, {run.writes:>6} writes at the carrier"
    )


@asynccontextmanager
async def _world(folder: Path, numbers: int, latency_ms: int) -> AsyncIterator[tuple[dict[str, str], str]]:
    argv = [sys.executable, "-m", "lab.vobiz", "--port", str(free_port()), "--habit", f"latency_ms={latency_ms}"]
    async with (
        valkey(folder) as redis_url,
        livekit_server(folder, redis_url=redis_url) as livekit,
        child("carrier", argv, log_path=folder / "carrier.log", cwd=ROOT) as carrier,
    ):
        ready = await carrier.ready(timeout_s=60)
        control = str(ready["control_url"])
        await _post(control, "/lab/numbers", {"owned": [f"+{FIRST + index}" for index in range(numbers)]})
        (folder / "dialroom.yaml").write_text(_manifest(numbers))
        yield _environ(livekit, ready), control


def _manifest(numbers: int) -> str:
    return f"""\
version: 1
deployment: bench
livekit: {{sip_host: sip.bench.test}}
numbers:
  - range: {{first: "+{FIRST}", last: "+{FIRST + numbers - 1}"}}
    route: {{agent: anna}}
agents:
  anna: {{greeting: Hello., goodbye: Bye., instructions: Be kind.}}
"""


def _environ(livekit: LiveKit, ready: Mapping[str, str]) -> dict[str, str]:
    return dict(os.environ) | {
        "PYTHONPATH": str(ROOT),
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "VOBIZ_BASE_URL": ready["base_url"],
        "VOBIZ_AUTH_ID": ready["auth_id"],
        "VOBIZ_AUTH_TOKEN": ready["auth_token"],
    }


async def _timed(name: str, words: tuple[str, ...], environ: Mapping[str, str], control: str, folder: Path) -> Run:
    before = await _counts(control)
    started_s = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "provision",
        *words,
        cwd=folder,
        env=dict(environ),
        stdout=asyncio.subprocess.DEVNULL,
    )
    most = 0
    watched = psutil.Process(process.pid)
    while process.returncode is None:
        try:
            most = max(most, watched.memory_info().rss)
            await asyncio.wait_for(asyncio.shield(process.wait()), 0.1)
        except (TimeoutError, psutil.Error):
            continue
    seconds = time.monotonic() - started_s
    if process.returncode:
        raise SystemExit(f"{name} ended with exit code {process.returncode}")
    after = await _counts(control)
    return Run(
        name=name,
        seconds=seconds,
        memory_mb=most / 2**20,
        requests=after["count"] - before["count"],
        writes=after["writes"] - before["writes"],
    )


async def _counts(control: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as http, http.get(f"{control}/lab/log") as answer:
        told = await answer.json()
    return {key: int(told[key]) for key in ("count", "writes")}


async def _post(control: str, path: str, body: Mapping[str, object]) -> None:
    async with aiohttp.ClientSession() as http, http.post(f"{control}{path}", json=body) as answer:
        answer.raise_for_status()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except DialroomError as error:
        sys.exit(str(error))
