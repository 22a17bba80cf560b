"""A number changes its route by one line of the manifest while people call it, twice a second."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lab.stack import Stack, StackOptions, local_stack
from provision.plan import Plan
from provision.run import apply_plan, plan_manifest
from provision.settings import ProvisionSettings
from telephony.manifest.load import load_manifest
from tests.lab.vobiz.application import application
from tests.scenarios.conftest import NODES
from tests.scenarios.traffic import Route, Traffic, Visit, pbx, traffic

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="needs more than one loopback address"),
]
NUMBER, NEIGHBOUR = "+918071000401", "+918071000402"
CALLS_BETWEEN = 3
WAY: tuple[Route, ...] = ("sip", "stream", "agent")
MANIFEST = """\
version: 1
deployment: mover
agents:
  desk: {{ greeting: Hello., goodbye: Goodbye., instructions: Be brief and kind. }}
numbers:
  - {{ number: "{number}", route: {route}, limits: {{ ring_s: 180 }} }}
{neighbour}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""
BESIDE = f'  - {{ number: "{NEIGHBOUR}", route: {{ agent: desk }}, limits: {{ ring_s: 180 }} }}'


@dataclass(frozen=True, kw_only=True)
class Move:
    """A change of route. Between `from_s` and `to_s` the carrier was told of it (time.monotonic)."""

    old: Route
    new: Route
    announced: bool
    from_s: float
    to_s: float

    def allows(self, visit: Visit) -> bool:
        """Whether a call that met this move ended as it may."""
        if visit.status != 200:
            return self.announced and visit.begun_s <= self.to_s and visit.decided_s >= self.from_s
        if visit.route == self.old:
            return visit.begun_s <= self.to_s
        return visit.route == self.new and visit.decided_s >= self.from_s

    def gap(self, visits: list[Visit]) -> str:
        """Return how many calls were refused around this move, and over what time."""
        lost = [visit.begun_s for visit in visits if visit.status != 200 and self.from_s - 5 <= visit.begun_s]
        lost = [begun_s for begun_s in lost if begun_s <= self.to_s + 5]
        span = f" within {max(lost) - min(lost):.2f} s" if lost else ""
        word = "announced" if self.announced else "no gap announced"
        return f"{self.old} → {self.new} ({word}, {self.to_s - self.from_s:.2f} s): {len(lost)} refused{span}"


@dataclass(kw_only=True, eq=False)
class Mover:
    """The stack, its manifest, and where the number may go."""

    stack: Stack
    path: Path
    routes: dict[Route, str]
    neighbour: bool = False

    async def plan(self, route: Route) -> Plan:
        """Change the line, and plan."""
        text = MANIFEST.format(
            number=NUMBER, route=self.routes[route], neighbour=BESIDE if self.neighbour else "  # nobody else"
        )
        self.path.write_text(text)
        return await plan_manifest(load_manifest(self.path, environ=self.stack.environ), self._settings)

    async def apply(self, plan: Plan) -> list[dict[str, Any]]:
        """Apply, and return the carrier's log of it."""
        await self._ask("DELETE", "/lab/log")
        await apply_plan(plan, self._settings)
        told = await self._ask("GET", "/lab/log")
        requests: list[dict[str, Any]] = told["requests"]
        return requests

    async def move(self, old: Route, new: Route) -> Move:
        """Move the number."""
        plan = await self.plan(new)
        announced = any("not answered" in report.message and NUMBER in report.message for report in plan.reports)
        requests = [request for request in await self.apply(plan) if _switches(request)]
        wall_s = time.time() - time.monotonic()
        return Move(
            old=old,
            new=new,
            announced=announced,
            from_s=min(request["at_s"] for request in requests) - wall_s,
            to_s=max(request["at_s"] + request["took_ms"] / 1000 for request in requests) - wall_s,
        )

    async def slow_down(self, latency_ms: int) -> None:
        """Let the carrier's API take so long for every answer."""
        await self._ask("POST", "/lab/habits", {"latency_ms": latency_ms})

    @property
    def _settings(self) -> ProvisionSettings:
        return ProvisionSettings.from_environ(self.stack.environ)

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        url = self.stack.carrier_url.partition("/api/")[0] + path
        async with aiohttp.ClientSession() as http, http.request(method, url, json=body) as answer:
            answer.raise_for_status()
            told: dict[str, Any] = await answer.json()
            return told


def _switches(request: dict[str, Any]) -> bool:
    """Whether a request of the carrier's log changes where calls of the number go."""
    path = request["path"]
    changes_trunk = request["method"] in ("PUT", "PATCH") and "/trunks/" in path
    return request["method"] != "GET" and (changes_trunk or f"/numbers/{NUMBER}/" in path)


@pytest.fixture(scope="module", params=NODES)
async def mover(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mover]:
    """Yield a stack with a worker, another platform and a stream server beside it."""
    run_dir = tmp_path_factory.mktemp(f"mover-{request.param}")
    path = run_dir / "mover.yaml"
    path.write_text(MANIFEST.format(number=NUMBER, route="{ agent: desk }", neighbour=BESIDE))
    options = StackOptions(
        run_dir=run_dir, manifest=path, gateway=request.param, voice="tone", ears="oracle", warm=3, max_calls=200
    )
    async with pbx() as platform, application() as bot, local_stack(options) as stack:
        bot.streams()
        routes: dict[Route, str] = {
            "agent": "{ agent: desk }",
            "sip": f'{{ sip: "sip:{platform}" }}',
            "stream": f'{{ stream: {{ answer_url: "{bot.url}/answer" }} }}',
        }
        yield Mover(stack=stack, path=path, routes=routes)


@pytest.mark.parametrize("latency_ms", [0, 400], ids=["a quick carrier", "a slow carrier"])
@pytest.mark.parametrize("neighbour", [False, True], ids=["alone on its trunk", "beside another number"])
async def test_calls_are_refused_only_in_gaps_that_were_announced(
    mover: Mover, neighbour: bool, latency_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """And each is answered by the route that the number had when it came."""
    mover.neighbour = neighbour
    await mover.slow_down(0)
    await mover.apply(await mover.plan("agent"))
    await mover.slow_down(latency_ms)
    moves: list[Move] = []
    async with traffic(mover.stack.carrier_sip, NUMBER) as calls:
        await calls.more(CALLS_BETWEEN)
        for old, new in zip(("agent", *WAY[:-1]), WAY, strict=True):
            moves.append(await mover.move(old, new))
            await calls.more(CALLS_BETWEEN)
    with capsys.disabled():
        sys.stdout.write(f"\n{mover.stack.gateway}, {len(calls.visits)} calls:\n")
        sys.stdout.writelines(f"  {move.gap(calls.visits)}\n" for move in moves)
    assert [move.announced for move in moves] == [neighbour, True, True]
    assert wrong(calls, moves) == [], moves
    assert {visit.route for visit in calls.visits if visit.status == 200} == {"agent", "sip", "stream"}
    assert (await mover.plan("agent")).changes == ()


def wrong(calls: Traffic, moves: list[Move]) -> list[str]:
    """Describe the calls that ended in a way that no move explains."""
    return [str(visit) for visit in calls.visits if not _is_right(visit, moves)]


def _is_right(visit: Visit, moves: list[Move]) -> bool:
    met = [move for move in moves if visit.begun_s <= move.to_s and visit.decided_s >= move.from_s]
    if met:
        return any(move.allows(visit) for move in met)
    past = [move for move in moves if move.to_s < visit.begun_s]
    return visit.status == 200 and visit.route == (past[-1].new if past else moves[0].old)


def test_the_judgement_can_fail() -> None:
    """A refusal without an announcement, a refusal outside the gap, an answer of the wrong one: each is noticed."""
    quiet = Move(old="agent", new="sip", announced=False, from_s=10.0, to_s=11.0)
    loud = Move(old="sip", new="stream", announced=True, from_s=20.0, to_s=21.0)
    moves = [quiet, loud]
    for begun_s, decided_s, status, route, expected in (
        (1.0, 1.1, 200, "agent", True),
        (1.0, 1.1, 200, "sip", False),
        (1.0, 1.1, 480, None, False),
        (10.5, 10.6, 200, "agent", True),
        (10.5, 10.6, 200, "sip", True),
        (10.5, 10.6, 480, None, False),
        (12.0, 12.1, 200, "agent", False),
        (20.5, 20.6, 480, None, True),
        (20.5, 20.6, 200, "agent", False),
        (21.5, 21.6, 480, None, False),
        (21.5, 21.6, 200, "stream", True),
    ):
        visit = Visit(begun_s=begun_s, decided_s=decided_s, status=status, route=route)
        assert _is_right(visit, moves) is expected, visit
