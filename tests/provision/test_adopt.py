"""What somebody made by hand becomes ours: only names and stamps are written, and a plan says what differs."""

from __future__ import annotations

import pytest
from livekit import api

from provision.changes import Update
from provision.errors import PlanConflictError
from provision.importing import import_manifest
from provision.run import adopt, apply_plan, draft, plan_adoptions, plan_manifest
from provision.stamp import livekit_stamp
from telephony.manifest.route import AgentRoute
from tests.provision.world import World
from tests.telephony.manifest.manifests import parsed


async def by_hand(world: World, number: str, *more: str) -> tuple[str, str, str]:
    """Make what the vendors' guides tell: a trunk and a rule at LiveKit, a trunk with the number at the carrier."""
    trunk = await world.api.sip.create_inbound_trunk(
        api.CreateSIPInboundTrunkRequest(
            trunk=api.SIPInboundTrunkInfo(
                name="vobiz", numbers=[number, *more], allowed_addresses=["127.0.0.1/32"], metadata='{"team":"sales"}'
            )
        )
    )
    rule = await world.api.sip.create_dispatch_rule(
        api.CreateSIPDispatchRuleRequest(
            dispatch_rule=api.SIPDispatchRuleInfo(
                name="to the agent",
                trunk_ids=[trunk.sip_trunk_id],
                rule=api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix="call")),
                room_config=api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="anna")]),
            )
        )
    )
    carrier = world.vobiz.account.create_trunk(
        {"name": "my trunk", "trunk_direction": "inbound", "inbound_destination": "sip.lotus.in"}
    )
    for assigned in (number, *more):
        world.vobiz.account.assign(assigned, {"trunk_group_id": carrier["trunk_id"]})
    return trunk.sip_trunk_id, rule.sip_dispatch_rule_id, carrier["trunk_id"]


async def test_what_was_made_by_hand_is_adopted_and_then_made_as_the_manifest_says(world: World) -> None:
    """The same objects with the same ids, before a conflict, now ours; nothing is left to do after an apply."""
    number = world.number()
    trunk_id, rule_id, carrier_id = await by_hand(world, number)
    manifest, settings = world.manifest({number: "anna"}), world.settings()
    assert (await plan_manifest(manifest, settings)).conflicts
    found = await plan_adoptions(manifest, settings)
    assert [adoption.seen.server_id for adoption in found.found] == [trunk_id, rule_id, carrier_id]
    await adopt(found, settings)
    (trunk,), (rule,) = await world.trunks(), await world.rules()
    assert (trunk.sip_trunk_id, rule.sip_dispatch_rule_id) == (trunk_id, rule_id)
    assert livekit_stamp(trunk.name, trunk.metadata) == world.deployment
    assert '"team":"sales"' in trunk.metadata
    assert rule.room_config.agents[0].agent_name == "anna"
    made = await plan_manifest(manifest, settings)
    assert made.conflicts == ()
    assert {type(change) for change in made.changes} == {Update}
    await apply_plan(made, settings)
    assert (await plan_manifest(manifest, settings)).changes == ()
    assert (await plan_adoptions(manifest, settings)).found == ()
    assert world.vobiz.account.trunks[carrier_id]["name"] == f"dialroom-{world.deployment}-in"


async def test_what_serves_more_than_the_manifest_is_left_alone(world: World) -> None:
    """A trunk with numbers that nobody here mentions is somebody's; it is said which."""
    number, other = world.number(), world.number()
    await by_hand(world, number, other)
    found = await plan_adoptions(world.manifest({number: "anna"}), world.settings())
    assert found.found == ()
    told = " ".join(report.message for report in found.reports)
    assert f"such as {other}" in told
    assert "LiveKit trunk vobiz" in told
    assert "carrier trunk my trunk" in told


async def test_another_deployments_number_is_not_adopted(world: World) -> None:
    """It is named, and nothing is written."""
    number = world.number()
    other = World(vobiz=world.vobiz, livekit=world.livekit, api=world.api, deployment=f"{world.deployment}b")
    await other.provision({number: "anna"})
    before = await world.snapshot()
    found = await plan_adoptions(world.manifest({number: "anna"}), world.settings())
    with pytest.raises(PlanConflictError, match=f"deployment {other.deployment}"):
        await adopt(found, world.settings())
    assert await world.snapshot() == before


async def test_a_manifest_is_drafted_from_what_is_there(world: World) -> None:
    """It loads, and every number has the route that it had."""
    number = world.number()
    await by_hand(world, number)
    numbers = [world.number() for _ in range(3)]
    pbx = world.vobiz.account.create_trunk(
        {"name": "pbx", "trunk_direction": "inbound", "inbound_destination": "pbx.lotus.in:5080"}
    )
    for assigned in numbers:
        world.vobiz.account.assign(assigned, {"trunk_group_id": pbx["trunk_id"]})
    text = (await draft(world.deployment, world.settings())).text
    loaded = parsed(text)
    routes = {entry.number: entry.route for entry in loaded.numbers}
    assert routes[number] == AgentRoute(agent="anna")
    assert [str(routes[n].sip[0].host_port) for n in numbers] == ["pbx.lotus.in:5080"] * 3
    assert loaded.livekit.sip_host == "sip.lotus.in"
    assert "TODO" in text
    assert (await plan_adoptions(loaded, world.settings())).found


def test_an_empty_account_makes_an_empty_manifest() -> None:
    """With an agent to begin with."""
    from provision.observed import Observed

    text = import_manifest(Observed(), deployment="prod").text
    assert "numbers: []" in text
    assert "front-desk" in text
