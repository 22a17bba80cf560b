"""No packet of a briefing, and none of a human before the merge, at the caller; where nothing is closed, there are."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence

import pytest

from lab.stack import OUR_WORKER
from tests.scenarios.conftest import NODES
from tests.scenarios.privacy.lanes import Lane, open_lanes
from tests.scenarios.privacy.runs import ROUNDS, Circumstance, Plan, Told, plans, run_round

pytestmark = [pytest.mark.scenario]

ARMS = ("tests.scenarios.privacy.serve_arms",)


@pytest.fixture(scope="module", params=NODES)
async def lanes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Lane]]:
    """Yield the lanes, without a worker."""
    folder = tmp_path_factory.mktemp(f"privacy-{request.param}")
    async with open_lanes(folder, gateway=request.param, privacy="default") as them:
        yield them


@pytest.fixture(params=NODES)
async def strict_lanes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Lane]]:
    """Yield lanes whose targets are `privacy: strict`."""
    folder = tmp_path_factory.mktemp(f"strict-{request.param}")
    async with open_lanes(folder, gateway=request.param, privacy="strict") as them:
        yield them


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(2, marks=[pytest.mark.timeout(900)]),
        pytest.param(18, marks=[pytest.mark.full, pytest.mark.timeout(6000)]),
    ],
)
async def test_no_packet_of_a_briefing_reaches_the_caller(lanes: list[Lane], rounds: int) -> None:
    """Ten calls for a round of each circumstance; the arms say whether a leak would have been seen."""
    dice = random.Random(rounds)
    ours = await _calls(lanes, [plans(which, len(lanes), dice) for which in ROUNDS * rounds])
    arms = await _calls(lanes, [plans("slow", len(lanes), dice) for _ in range(2)], program=ARMS)
    open_to_all, trusting = arms[::2], arms[1::2]
    assert all(told.human and told.voice for told in open_to_all), "void: without gates nothing was noticed"
    assert any(told.human for told in trusting), "void: an unsubscribe that is lost was not noticed"
    assert not [told for told in ours if told.leaks]
    assert not [told for told in ours if not told.briefed and told.plan.circumstance != "starved"]
    assert any(told.briefed for told in ours if told.plan.circumstance == "starved"), "void: nobody was briefed"


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("circumstance", ["slow", "away"])
async def test_a_leg_that_is_late_or_lost_is_measured(lanes: list[Lane], circumstance: Circumstance) -> None:
    """What is heard then stands in the log beside the stack's; how long it may be is not asserted."""
    told = await _calls(lanes, [plans(circumstance, len(lanes), random.Random(0))])
    assert all(it.briefed for it in told)


@pytest.mark.full
@pytest.mark.timeout(600)
async def test_strict_keeps_it_private_even_then(strict_lanes: list[Lane]) -> None:
    """A leg that is late, resumes, or comes back as a new one: it may hear nothing, so it hears nobody."""
    circumstances: list[Circumstance] = ["slow", "resumed", "away"]
    dice = random.Random(0)
    told = await _calls(strict_lanes, [plans(which, len(strict_lanes), dice) for which in circumstances])
    assert all(it.briefed for it in told)
    assert not [it for it in told if it.human]


async def _calls(
    lanes: list[Lane], rounds: Sequence[Sequence[Plan]], *, program: Sequence[str] = OUR_WORKER
) -> list[Told]:
    """Make the calls, with a worker of their own; each is told in a log beside the stack's."""
    stack = lanes[0].stack
    worker = await stack.add_worker(program=program)
    found: list[Told] = []
    try:
        for given in rounds:
            found += await run_round(lanes, given)
            (stack.options.run_dir / f"told-by-{program[0]}.log").write_text("\n".join(map(str, found)))
        return found
    finally:
        await worker.stop()
        stack.workers.remove(worker)
