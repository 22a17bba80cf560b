"""Lock, snapshot and rollback around real applies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lab.vobiz.faults import Fault
from provision.errors import ApplyError, PlanStaleError
from provision.remember import State, snapshot, snapshots
from provision.run import apply_plan, plan_destroy, plan_manifest, plan_rollback
from provision.store.errors import LockHeldError, SnapshotUnknownError
from provision.store.store import open_store
from tests.provision.world import World


def state(tmp_path: Path, *, wait_s: float = 30) -> State:
    return State(address=tmp_path / "state.db", holder="a test", wait_s=wait_s)


async def test_a_rollback_brings_back_what_was_there(world: World, tmp_path: Path) -> None:
    """Other agents, other numbers, and nothing at all."""
    kept, settings = state(tmp_path), world.settings()
    one, two = world.number(), world.number()
    for routes in ({one: "anna"}, {one: "bela", two: "anna"}):
        await apply_plan(await plan_manifest(world.manifest(routes), settings), settings, state=kept)
    await apply_plan(await plan_destroy(world.deployment, settings), settings, state=kept, reason="destroy")
    listed = await snapshots(kept, world.deployment)
    assert [found.reason for found in listed] == ["destroy", "apply", "apply"]
    for info, routes in ((listed[0], {one: "bela", two: "anna"}), (listed[1], {one: "anna"}), (listed[2], {})):
        back = await plan_rollback(world.deployment, info.id, settings, kept)
        await apply_plan(back, settings, state=kept, reason="rollback")
        _, then = await snapshot(kept, world.deployment, info.id)
        expected = await plan_manifest(world.manifest(routes), settings) if routes else None
        assert expected is None or expected.changes == ()
        assert len(then.ours(world.deployment)) == len(await show(world))
    last = await snapshots(kept, world.deployment)
    assert [found.reason for found in last[:3]] == ["rollback"] * 3


async def show(world: World) -> tuple[object, ...]:
    from provision.run import show as shown

    return await shown(world.deployment, world.settings())


async def test_a_snapshot_that_is_not_there_is_told(world: World, tmp_path: Path) -> None:
    with pytest.raises(SnapshotUnknownError, match="has no snapshots yet"):
        await plan_rollback(world.deployment, 4711, world.settings(), state(tmp_path))


async def test_two_applies_at_once_follow_each_other(world: World, tmp_path: Path) -> None:
    """The second waits, finds the world moved, and writes nothing twice."""
    kept, settings = state(tmp_path), world.settings()
    manifest = world.manifest({world.number(): "anna"})
    plans = [await plan_manifest(manifest, settings) for _ in range(2)]
    results = await asyncio.gather(*(apply_plan(made, settings, state=kept) for made in plans), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Applied", "PlanStaleError"]
    assert any(isinstance(result, PlanStaleError) for result in results)
    assert (await plan_manifest(manifest, settings)).changes == ()
    assert len(await world.trunks()) == 1


async def test_a_held_lock_is_named_and_nothing_is_written(world: World, tmp_path: Path) -> None:
    """Who has it, since when."""
    kept, settings = state(tmp_path, wait_s=0.2), world.settings()
    made = await plan_manifest(world.manifest({world.number(): "anna"}), settings)
    before = await world.snapshot()
    async with open_store(kept.address) as store, store.lock(world.deployment, holder="somebody else", wait_s=0):
        with pytest.raises(LockHeldError, match="is locked by somebody else on "):
            await apply_plan(made, settings, state=kept)
    assert await world.snapshot() == before
    await apply_plan(made, settings, state=kept)


async def test_an_apply_that_failed_is_remembered_as_such(world: World, tmp_path: Path) -> None:
    """With how far it came; the next one ends well."""
    kept, settings = state(tmp_path), world.settings()
    manifest = world.manifest({world.number(): "anna"})
    world.vobiz.faults.waiting.append(Fault(method="POST", path="/trunks", status=403, shape="plain"))
    for outcome in ("failed: ", "done"):
        made = await plan_manifest(manifest, settings)
        try:
            await apply_plan(made, settings, state=kept)
        except ApplyError:
            assert outcome != "done"
        async with open_store(kept.address) as store:
            run = await store.last_run(world.deployment)
        assert run is not None
        assert run.outcome is not None
        assert run.outcome.startswith(outcome)
        assert run.done == (len(made.changes) if outcome == "done" else 2)


async def test_a_rollback_says_what_it_cannot_give_back(world: World, tmp_path: Path) -> None:
    """A number that was taken over from somebody's trunk is taken off ours; theirs is not ours to write."""
    kept, settings = state(tmp_path), world.settings()
    number = world.number()
    pbx = world.vobiz.account.create_trunk({"name": "pbx", "trunk_direction": "inbound", "inbound_destination": "p.in"})
    world.vobiz.account.assign(number, {"trunk_group_id": pbx["trunk_id"]})
    taken = await plan_manifest(world.manifest({number: "anna"}), settings, take_over=True)
    await apply_plan(taken, settings, state=kept)
    back = await plan_rollback(world.deployment, "last", settings, kept)
    hung = "carrier trunk pbx"
    (warning,) = [report for report in back.reports if report.subject == number]
    assert warning.message == f"{number} went to {hung} then, which is not ours: it gets no route; assign it there"
