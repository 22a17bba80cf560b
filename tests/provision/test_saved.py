"""Saved plans, and what is only done when it is told."""

from pathlib import Path

import pytest

from provision.run import apply_plan, plan_destroy, plan_manifest, provision_manifest, show
from provision.saved import PlanOutdatedError, load_plan
from telephony.errors import UserError
from tests.provision.world import World


async def test_a_saved_plan_is_applied_as_it_was_reviewed(world: World, tmp_path: Path) -> None:
    """Through the file, with the check that the servers have not moved."""
    wanted = world.manifest({world.number(): "anna"})
    made = await plan_manifest(wanted, world.settings(), out=tmp_path / "plan.json")
    loaded, digest = load_plan(tmp_path / "plan.json")
    assert loaded == made
    await apply_plan(loaded, world.settings(), digest=digest)
    assert (await plan_manifest(wanted, world.settings())).changes == ()


async def test_a_saved_plan_is_refused_when_anything_has_moved(world: World, tmp_path: Path) -> None:
    """Also what is not ours: it was part of what the reviewer saw."""
    await plan_manifest(world.manifest({world.number(): "anna"}), world.settings(), out=tmp_path / "plan.json")
    world.vobiz.account.create_trunk({"name": "somebody's", "trunk_direction": "inbound"})
    loaded, digest = load_plan(tmp_path / "plan.json")
    writes = len(world.vobiz.writes)
    with pytest.raises(PlanOutdatedError, match="plan again; nothing was changed"):
        await apply_plan(loaded, world.settings(), digest=digest)
    assert len(world.vobiz.writes) == writes
    assert await world.trunks() == []


async def test_a_saved_plan_with_nothing_to_do_is_checked_too(world: World, tmp_path: Path) -> None:
    """Nothing to do is a statement about servers that may be others by now."""
    wanted = world.manifest({world.number(): "anna"})
    await provision_manifest(wanted, world.settings())
    await plan_manifest(wanted, world.settings(), out=tmp_path / "plan.json")
    loaded, digest = load_plan(tmp_path / "plan.json")
    await apply_plan(loaded, world.settings(), digest=digest)
    await apply_plan(await plan_destroy(world.deployment, world.settings()), world.settings())
    with pytest.raises(PlanOutdatedError):
        await apply_plan(loaded, world.settings(), digest=digest)


async def test_a_plan_that_was_edited_is_refused(world: World, tmp_path: Path) -> None:
    """The manifest's rules were for what was saved: nobody is let in by hand."""
    path = tmp_path / "plan.json"
    await plan_manifest(world.manifest({world.number(): "anna"}), world.settings(), out=path)
    assert path.stat().st_mode & 0o777 == 0o600, "a URL may hold a token"
    text = path.read_text()
    assert "127.0.0.1/32" in text
    path.write_text(text.replace("127.0.0.1/32", "0.0.0.0/0"))
    with pytest.raises(UserError, match="was changed since it was saved"):
        load_plan(path)


async def test_a_plan_takes_the_place_of_a_plan_alone(world: World, tmp_path: Path) -> None:
    """A slip does not cost the manifest."""
    wanted, path = world.manifest({world.number(): "anna"}), tmp_path / "dialroom.yaml"
    path.write_text("version: 1\n")
    with pytest.raises(UserError, match="is there already, and is no plan"):
        await plan_manifest(wanted, world.settings(), out=path)
    assert path.read_text() == "version: 1\n"
    path.write_text("")
    for _ in range(2):
        await plan_manifest(wanted, world.settings(), out=path)
    assert load_plan(path)[0].changes


@pytest.mark.parametrize("text", ["", "[]", "{}", "5", '{"version": 9}', '{"version": 1, "plan": {}, "observed": ""}'])
def test_a_file_without_a_plan_is_told(tmp_path: Path, text: str) -> None:
    """By its name, in one line."""
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UserError, match="holds no plan of this version"):
        load_plan(tmp_path / "plan.json")
    with pytest.raises(UserError, match="cannot be read"):
        load_plan(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("written", "odd"),
    [
        ('"kind": "carrier_trunk"', '"kind": 5'),
        ('"kind": "carrier_trunk"', '"kind": "assignment"'),
        ('"level": "note"', '"level": "shout"'),
        ('"inbound_destination": "sip.lotus.in"', '"inbound_destination": ["x"]'),
        ('"inbound_destination": "sip.lotus.in"', '"inbound_destination": "x", "more": 1'),
        ('"action": "create"', '"action": []'),
    ],
)
async def test_a_plan_that_somebody_bent_is_told(world: World, tmp_path: Path, written: str, odd: str) -> None:
    """As a file without a plan; nothing of it reaches a server."""
    world.vobiz.account.create_trunk({"name": "somebody's", "trunk_direction": "inbound"})
    path = tmp_path / "plan.json"
    await plan_manifest(world.manifest({world.number(): "anna"}), world.settings(), out=path)
    assert written in path.read_text()
    path.write_text(path.read_text().replace(written, odd))
    with pytest.raises(UserError, match="holds no plan of this version"):
        load_plan(path)


async def test_objects_that_only_change_are_no_excuse_for_many_that_go(world: World) -> None:
    """Half of the rules go, and the trunks of the others change."""
    numbers = [world.number() for _ in range(12)]
    agents = [f"agent-{index}" for index in range(12)]
    before = world.manifest(dict(zip(numbers, agents, strict=True)), agents=agents)
    await provision_manifest(before, world.settings())
    less = world.manifest({number: agents[index % 6] for index, number in enumerate(numbers)}, agents=agents)
    refused = await plan_manifest(less, world.settings(), allow_delete=False)
    assert any("would be deleted: give --allow-delete" in report.message for report in refused.conflicts)


async def test_a_number_loses_its_route_only_when_that_is_allowed(world: World) -> None:
    """A line that was deleted by mistake takes no number out of service."""
    kept, dropped = world.number(), world.number()
    await world.provision({kept: "anna", dropped: "anna"})
    wanted = world.manifest({kept: "anna"})
    (refused,) = (await plan_manifest(wanted, world.settings(), allow_delete=False)).conflicts
    assert refused.message.startswith(f"{dropped} would lose its route: give --allow-delete")
    assert (await plan_manifest(wanted, world.settings(), allow_delete=True)).conflicts == ()


async def test_a_move_is_no_loss(world: World) -> None:
    """The number has a route before and after."""
    number = world.number()
    await world.provision({number: "anna"})
    made = await plan_manifest(world.manifest({number: "bela"}), world.settings(), allow_delete=False)
    assert made.changes
    assert made.conflicts == ()


async def test_everything_of_a_deployment_can_be_listed_and_destroyed(world: World) -> None:
    """And nothing else."""
    await world.provision({world.number(): "anna", world.number(): "bela"})
    theirs = world.vobiz.account.create_trunk({"name": "somebody's", "trunk_direction": "inbound"})
    there = await show(world.deployment, world.settings())
    assert len(there) == 7
    made = await plan_destroy(world.deployment, world.settings())
    assert len(made.changes) == 7
    await apply_plan(made, world.settings())
    assert await show(world.deployment, world.settings()) == ()
    assert list(world.vobiz.account.trunks) == [theirs["trunk_id"]]
