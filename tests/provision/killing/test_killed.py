"""`apply` is killed, or loses an answer, at every request: the next one converges, counted at the servers."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from lab.servers.livekit import LiveKit
from tests.provision.killing.proxy import Fault, Loss, Place
from tests.provision.killing.rig import Rig, rig

APPLY = ("provision", "apply", "--yes", "--allow-delete")
SAMPLE = 5
"""How many places the normal run takes, spread over all."""


@pytest.fixture(scope="module")
async def setting(tmp_path_factory: pytest.TempPathFactory, livekit: LiveKit) -> AsyncIterator[Rig]:
    async with rig(tmp_path_factory.mktemp("killed"), livekit) as made:
        yield made


class Case:
    """A way from one state to another: how to begin, and what it must come to."""

    def __init__(self, setting: Rig, variant: str) -> None:
        self.rig = setting
        self.variant = variant
        self.wanted: dict[str, Any] = {}
        self.requests = 0
        self.writes = 0

    async def prepare(self) -> None:
        """Go the way once, undisturbed."""
        await self.begin()
        assert await self.rig.run(*APPLY) == 0, self.rig.told
        self.requests, self.writes = len(self.rig.proxy.asked), len(self.rig.proxy.written)
        self.wanted = await self.rig.state()

    async def begin(self) -> None:
        """Make the servers as they are before."""
        await self.rig.empty()
        self.rig.forget_state()
        if self.variant == "changed":
            self.rig.write("made")
            assert await self.rig.run(*APPLY) == 0, self.rig.told
        self.rig.write(self.variant)

    async def survives(self, fault: Fault, *, forget: bool) -> None:
        """Disturb one apply; the next one has to bring about what an undisturbed one does."""
        await self.begin()
        code = await self.rig.run(*APPLY, fault=fault)
        where = f"{self.variant}, {fault}, forget={forget}: {self.rig.told}"
        assert code == (-9 if fault.what in get_args(Place) else code), where
        assert code in (-9, 0, 1), where
        assert "Traceback" not in self.rig.told, where
        if forget:
            self.rig.forget_state()
        assert await self.rig.run(*APPLY) == 0, f"{where} then {self.rig.told}"
        assert await self.rig.state() == self.wanted, where
        assert await self.rig.run("provision", "plan", "--exit-code") == 0, f"{where} then {self.rig.told}"


@pytest.fixture(scope="module", params=["made", "changed"])
async def case(request: pytest.FixtureRequest, setting: Rig) -> Case:
    made = Case(setting, request.param)
    await made.prepare()
    return made


def spread(every: list[Any]) -> list[Any]:
    """Return some of a list. Places come in rounds of 6, losses in rounds of 4: the step has no factor of either."""
    step = max(len(every) // SAMPLE, 1)
    while math.gcd(step, 12) != 1:
        step -= 1
    return every[::step]


def kills(case: Case) -> list[tuple[Fault, bool]]:
    """Every request × three places × with and without the local state."""
    return [
        (Fault(at, place), forget)
        for at in range(case.requests)
        for place in get_args(Place)
        for forget in (False, True)
    ]


def losses(case: Case) -> list[Fault]:
    """Every write × four ways to lose what became of it."""
    return [Fault(at, loss, writes=True) for at in range(case.writes) for loss in get_args(Loss)]


def test_the_run_is_long_enough(case: Case) -> None:
    """At least 200 requests, or what is shown is less than it says."""
    assert case.requests >= (200 if case.variant == "made" else 50)
    assert case.wanted["numbers"]


@pytest.mark.timeout(600)
async def test_a_killed_apply_is_finished_by_the_next(case: Case) -> None:
    """A sample of the places."""
    for fault, forget in spread(kills(case)):
        await case.survives(fault, forget=forget)


@pytest.mark.timeout(600)
async def test_a_lost_answer_is_found_out(case: Case) -> None:
    """A sample of the writes: nothing is made twice, and nothing is missing."""
    for fault in spread(losses(case)):
        await case.survives(fault, forget=False)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("forget", [False, True], ids=["remembering", "forgetting"])
@pytest.mark.parametrize("place", get_args(Place))
async def test_a_killed_apply_is_finished_by_the_next_at_every_request(case: Case, place: Place, forget: bool) -> None:
    """All of them."""
    for at in range(case.requests):
        await case.survives(Fault(at, place), forget=forget)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("loss", get_args(Loss))
async def test_every_lost_answer_is_found_out(case: Case, loss: Loss) -> None:
    """All of them."""
    for at in range(case.writes):
        await case.survives(Fault(at, loss, writes=True), forget=False)
