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
    async with open_lanes(tmp_path_factory.mktemp(f"privacy-{request.param}"), gateway=request.param) as them:
        yield them


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(1, marks=[pytest.mark.full, pytest.mark.timeout(600)]),
        pytest.param(9, marks=[pytest.mark.full, pytest.mark.timeout(3000)]),
    ],
)
async def test_no_packet_of_a_briefing_reaches_the_caller(lanes: list[Lane], rounds: int) -> None:
    """20 calls for a round of each circumstance; the arms say whether a leak would have been seen."""
    dice = random.Random(rounds)
    ours = await _calls(lanes, [plans(which, len(lanes), dice) for which in ROUNDS * rounds])
    arms = await _calls(lanes, [plans("slow", len(lanes), dice)], program=ARMS)
    open_to_all, trusting = arms[::2], arms[1::2]
    assert all(told.human and told.voice for told in open_to_all), "void: without gates nothing was noticed"
    assert any(told.human for told in trusting), "void: an unsubscribe that is lost was not noticed"
    assert not [told for told in ours if told.leaks]
    assert not [told for told in ours if not told.briefed and told.plan.circumstance != "starved"]


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("circumstance", ["slow", "away"])
async def test_a_leg_that_is_late_or_lost_is_measured(lanes: list[Lane], circumstance: Circumstance) -> None:
    """What is heard then stands in the log beside the stack's; how long it may be is not asserted."""
    told = await _calls(lanes, [plans(circumstance, len(lanes), random.Random(0))])
    assert all(it.briefed for it in told)


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
