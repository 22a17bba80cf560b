"""Provisioning against the real livekit-server and the carrier over HTTP."""

import asyncio
import json

import pytest
from livekit import api

from lab.vobiz import applications
from lab.vobiz.faults import Fault
from provision.apply import Progress
from provision.errors import (
    AccessDeniedError,
    ApplyError,
    PlanConflictError,
    PlanStaleError,
    UnreachableError,
)
from provision.run import apply_plan, plan_manifest, plan_number, provision_manifest, provision_one
from provision.values import Kind
from telephony.dispatch import DispatchMetadata, worker_name
from telephony.errors import UserError, WorldError
from telephony.manifest.call_settings import CallSettings, Limits
from telephony.manifest.route import SipRoute
from tests.provision.world import CIDR, World, new_number


async def test_a_manifest_becomes_trunks_rules_and_assignments(world: World):
    """The whole path of a call is there, by the rules that keep strangers out."""
    number = world.number()
    applied = await world.provision({number: "anna"})

    (carrier_trunk,) = world.vobiz.account.trunks.values()
    assert carrier_trunk["name"] == f"dialroom-{world.deployment}-in"
    assert carrier_trunk["trunk_direction"] == "inbound"
    assert carrier_trunk["inbound_destination"] == "sip.lotus.in"
    assert world.vobiz.account.numbers[number]["trunk_group_id"] == carrier_trunk["trunk_id"]

    (trunk,) = await world.trunks()
    assert number in trunk.numbers
    assert f"0{number[3:]}" in trunk.numbers
    assert list(trunk.allowed_addresses) == [CIDR]
    assert not trunk.krisp_enabled
    assert not trunk.auth_username
    assert not trunk.auth_password
    assert json.loads(trunk.metadata)["dialroom"]["deployment"] == world.deployment

    (rule,) = await world.rules()
    assert list(rule.trunk_ids) == [trunk.sip_trunk_id]
    assert rule.rule.dispatch_rule_individual.room_prefix == "call"
    (agent,) = rule.room_config.agents
    assert agent.agent_name == worker_name(world.deployment)
    metadata = DispatchMetadata.from_json(agent.metadata)
    assert metadata == DispatchMetadata(deployment=world.deployment, agent="anna")
    assert applied.writes == 4


async def test_the_second_run_writes_nothing(world: World):
    """Counted at the carrier, and by comparing everything at LiveKit."""
    routes = {world.number(): "anna", world.number(): "bela"}
    await world.provision(routes)
    before, writes = await world.snapshot(), len(world.vobiz.writes)
    applied = await world.provision(routes)
    assert applied.writes == 0
    assert len(world.vobiz.writes) == writes
    assert await world.snapshot() == before


async def test_planning_writes_nothing(world: World):
    """Neither here nor there."""
    before = await world.snapshot()
    planned = await plan_manifest(world.manifest({world.number(): "anna"}), world.settings())
    assert len(planned.changes) == 4
    assert world.vobiz.writes == []
    assert (await world.snapshot())[:-1] == before[:-1]


async def test_progress_tells_every_change(world: World):
    """One callback per change, in order."""
    planned = await plan_manifest(world.manifest({world.number(): "anna"}), world.settings())
    told = []
    await apply_plan(planned, world.settings(), on_progress=told.append)
    assert [progress.change for progress in told] == list(planned.changes)
    assert [(progress.position, progress.total) for progress in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


async def test_a_new_sip_host_changes_the_carrier_trunk_and_nothing_else(world: World):
    """One write; what somebody set on the trunk in the console stays."""
    routes = {world.number(): "anna"}
    await world.provision(routes)
    (trunk_id,) = world.vobiz.account.trunks
    world.vobiz.account.trunks[trunk_id]["description"] = "ask Priya before changing"
    writes = len(world.vobiz.writes)
    applied = await world.provision(routes, sip_host="sip2.lotus.in:5080")
    assert applied.writes == 1
    assert world.vobiz.writes[writes:] == [("PUT", f"/api/v1/Account/MA_TEST0001/trunks/{trunk_id}")]
    trunk = world.vobiz.account.trunks[trunk_id]
    assert trunk["inbound_destination"] == "sip2.lotus.in:5080"
    assert trunk["description"] == "ask Priya before changing"


async def test_what_others_set_on_our_livekit_trunk_survives_an_update(world: World):
    """An update reads, merges and replaces; LiveKit's replace drops what is not sent."""
    first = world.number()
    await world.provision({first: "anna"})
    (trunk,) = await world.trunks()
    trunk.headers["X-Clinic"] = "lotus"
    await world.api.sip.update_inbound_trunk(trunk.sip_trunk_id, trunk)
    await world.provision({first: "anna", world.number(): "anna"})
    (updated,) = await world.trunks()
    assert dict(updated.headers) == {"X-Clinic": "lotus"}
    assert updated.sip_trunk_id == trunk.sip_trunk_id
    assert len(updated.numbers) == 8


async def test_numbers_move_and_swap_between_agents(world: World):
    """LiveKit refuses a number that two trunks have; it accepts every step of ours."""
    one, two, three = world.number(), world.number(), world.number()
    for routes in (
        {one: "anna", two: "anna", three: "bela"},
        {one: "bela", two: "anna", three: "anna"},
        {one: "anna", two: "anna", three: "bela"},
        {one: "anna", three: "bela"},
        {one: "bela", three: "anna"},
        {three: "bela"},
        {},
    ):
        await world.provision(routes)
        held = {trunk.name.rpartition("-")[2]: set(trunk.numbers) for trunk in await world.trunks()}
        assert {number: agent for agent, numbers in held.items() for number in numbers & set(routes)} == routes
        assert len(await world.rules()) == len(set(routes.values()))
    assert world.vobiz.account.trunks == {}


async def test_one_number_is_provisioned_in_one_line(world: World):
    """In any Indian form; what the deployment has already stays."""
    first, second = world.number(), world.number()
    manifest = world.manifest({first: "anna"})
    await provision_manifest(manifest, world.settings())
    applied = await provision_one(f"0{second[3:]}", agent="bela", manifest=manifest, settings=world.settings())
    assert [report.message for report in applied.plan.reports if report.level == "warning"] == [
        f"{second} is not in the manifest; add it there, or the next `dialroom provision apply` removes it"
    ]
    assert all("trunk_group_id" in world.vobiz.account.numbers[number] for number in (first, second))
    again = await provision_one(second, agent="bela", manifest=manifest, settings=world.settings())
    assert again.writes == 0


async def test_one_number_of_the_manifest_leaves_its_other_numbers_alone(world: World):
    """A newcomer's own number works although the manifest still has numbers that the account does not own."""
    own = world.number()
    manifest = world.manifest({own: "anna", new_number(): "anna"})
    applied = await provision_one(own, agent="anna", manifest=manifest, settings=world.settings())
    assert applied.writes == 4
    assert [report.message for report in applied.plan.reports] == []


@pytest.mark.parametrize(
    ("number", "agent", "message"),
    [
        ("hello", "anna", "is not a phone number"),
        ("+918071000009", "carl", "no agent named 'carl' in the manifest; agents are: anna, bela"),
    ],
)
async def test_one_number_that_is_wrong_is_the_users_mistake(world: World, number, agent, message):
    """Told before anything is asked of a server."""
    with pytest.raises(UserError, match=message):
        await plan_number(number, agent=agent, manifest=world.manifest({}), settings=world.settings())
    assert world.vobiz.requests == []


async def test_one_number_that_the_manifest_gives_to_another_agent_is_refused(world: World):
    """The manifest is the truth; the command does not contradict it."""
    number = world.number()
    with pytest.raises(UserError, match="to agent 'anna'; change it there"):
        await plan_number(number, agent="bela", manifest=world.manifest({number: "anna"}), settings=world.settings())


async def test_a_number_on_somebody_elses_livekit_trunk_stops_everything(world: World):
    """Both sides are named, nothing is written."""
    number = world.number()
    foreign = api.SIPInboundTrunkInfo(name="legacy", numbers=[number[1:]], allowed_addresses=["10.0.0.1/32"])
    made = await world.api.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=foreign))
    before = await world.snapshot()
    with pytest.raises(PlanConflictError) as refused:
        await world.provision({number: "anna"})
    assert f"{number}: LiveKit trunk legacy ({made.sip_trunk_id})" in str(refused.value)
    assert f"LiveKit trunk dialroom-{world.deployment}-anna cannot" in str(refused.value)
    assert await world.snapshot() == before


async def test_a_number_on_somebody_elses_carrier_trunk_stops_everything(world: World):
    """A number that works for something else is never taken from it."""
    number = world.number()
    trunk = world.vobiz.account.create_trunk({"name": "pbx", "trunk_direction": "inbound"})
    world.vobiz.account.assign(number, {"trunk_group_id": trunk["trunk_id"]})
    before = await world.snapshot()
    with pytest.raises(PlanConflictError, match=f"carrier trunk pbx .{trunk['trunk_id']}. has it"):
        await world.provision({number: "anna"})
    assert await world.snapshot() == before


async def test_unstamped_objects_are_named_and_left_alone(world: World):
    """Also those whose names look like ours."""
    name = f"dialroom-{world.deployment}-anna"
    fake_ours = api.SIPInboundTrunkInfo(name=name, numbers=["+12025550100"], allowed_addresses=["10.0.0.1/32"])
    made = await world.api.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=fake_ours))
    applied = await world.provision({world.number(): "anna"})
    notes = [report.message for report in applied.plan.reports if report.level == "note"]
    assert f"LiveKit trunk {name} ({made.sip_trunk_id}) is left alone (not made by dialroom)" in notes
    kept = [trunk for trunk in await world.trunks() if trunk.sip_trunk_id == made.sip_trunk_id]
    assert [list(trunk.numbers) for trunk in kept] == [["+12025550100"]]


async def test_two_deployments_share_both_servers(world: World):
    """Neither sees the other's objects as its own."""
    one, two = world.number(), world.number()
    other = World(vobiz=world.vobiz, livekit=world.livekit, api=world.api, deployment=f"{world.deployment}-b")
    await world.provision({one: "anna"})
    await other.provision({two: "anna"})
    assert (await world.provision({one: "anna"})).writes == 0
    assert (await other.provision({})).writes == 4
    assert len(await world.trunks()) == 1
    assert world.vobiz.account.numbers[one]["trunk_group_id"]


async def test_a_failure_in_the_middle_says_what_is_done_and_a_rerun_does_the_rest(world: World):
    """No rollback: what is done stays."""
    routes = {world.number(): "anna"}
    world.vobiz.faults.waiting = [Fault(method="POST", path="/assign", status=400)]
    with pytest.raises(ApplyError, match="3 of 4 changes are done; run the same command again") as failed:
        await world.provision(routes)
    assert failed.value.failed.key.name in routes
    assert failed.value.remaining == ()
    assert (await world.provision(routes)).writes == 1
    assert (await world.provision(routes)).writes == 0


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/trunks"), ("POST", "/assign"), ("PUT", ""), ("DELETE", "/assign")]
)
@pytest.mark.parametrize("status", [None, 500, 502])
async def test_a_write_whose_answer_is_lost_is_looked_for_and_not_repeated(world: World, method, path, status):
    """The carrier did it, the answer never came: no second write, no error."""
    number = world.number()
    if method in ("PUT", "DELETE"):
        await world.provision({number: "anna"})
    writes = len(world.vobiz.writes)
    world.vobiz.faults.waiting = [Fault(method=method, path=path, status=status, after_commit=True)]
    routes = {} if method == "DELETE" else {number: "anna"}
    applied = await world.provision(routes, sip_host="sip.lotus.in" if method != "PUT" else "new.lotus.in")
    sent = [request for request in world.vobiz.writes[writes:] if request[0] == method and request[1].endswith(path)]
    assert len(sent) == 1
    assert world.vobiz.faults.waiting[0].times == 0
    assert applied.writes == len(applied.plan.changes)
    assert len(world.vobiz.account.trunks) == (0 if method == "DELETE" else 1)


@pytest.mark.parametrize("status", [None, 503])
async def test_a_write_that_was_lost_on_its_way_stops_the_pass_with_an_unknown_outcome(world: World, status):
    """It is not sent again; the next run looks first and then does it."""
    routes = {world.number(): "anna"}
    world.vobiz.faults.waiting = [Fault(method="POST", path="/assign", status=status)]
    with pytest.raises(ApplyError, match="it may have happened"):
        await world.provision(routes)
    assert len([r for r in world.vobiz.writes if r[1].endswith("/assign")]) == 1
    assert (await world.provision(routes)).writes == 1


async def test_a_busy_carrier_is_waited_for(world: World):
    """429 is a refusal before anything is done, so also a write is repeated; reads survive a bad gateway."""
    world.vobiz.faults.waiting = [
        Fault(method="GET", path="/trunks", status=502),
        Fault(method="GET", path="/numbers", status=429),
        Fault(method="POST", path="/trunks", status=429, headers={"Retry-After": "0"}),
    ]
    await world.provision({world.number(): "anna"})
    assert all(fault.times == 0 for fault in world.vobiz.faults.waiting)
    assert len(world.vobiz.account.trunks) == 1


async def test_a_plan_is_refused_when_the_servers_moved(world: World):
    """Somebody else applied the same plan meanwhile."""
    planned = await plan_manifest(world.manifest({world.number(): "anna"}), world.settings())
    await apply_plan(planned, world.settings())
    before = await world.snapshot()
    with pytest.raises(PlanStaleError, match="plan again"):
        await apply_plan(planned, world.settings())
    assert await world.snapshot() == before


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"LIVEKIT_API_KEY": "nobody"}, AccessDeniedError, "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
        ({"LIVEKIT_API_SECRET": "x" * 40}, AccessDeniedError, "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
        ({"VOBIZ_AUTH_TOKEN": "wrong-token"}, AccessDeniedError, "check VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN"),
        ({"VOBIZ_AUTH_ID": "MA_OTHER"}, AccessDeniedError, "check VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN"),
        ({"LIVEKIT_URL": "ws://127.0.0.1:1"}, UnreachableError, "127.0.0.1:1: connection refused; .*LIVEKIT_URL"),
        ({"VOBIZ_BASE_URL": "http://127.0.0.1:1"}, UnreachableError, "127.0.0.1:1: connection refused; .*VOBIZ_BASE"),
        ({"LIVEKIT_URL": "http://nowhere.invalid"}, UnreachableError, "cannot reach LiveKit at http://nowhere.invalid"),
    ],
)
async def test_an_address_or_key_that_does_not_work_is_one_line_that_says_what_to_do(
    world: World, changed, error, told
):
    """Exit code 1, no key in the text."""
    with pytest.raises(error, match=told) as refused:
        await plan_manifest(world.manifest({}), world.settings(**changed))
    assert isinstance(refused.value, WorldError)
    assert refused.value.exit_code == 1
    assert "\n" not in str(refused.value)
    secrets = (world.livekit.api_secret, world.vobiz.account.auth_token, *changed.values())
    assert not any(
        secret and secret in str(refused.value) for secret in secrets if not secret.startswith(("ws", "http"))
    )


async def test_each_servers_address_given_to_the_other_is_told_apart(world: World):
    """Two URLs swapped in .env."""
    with pytest.raises(UnreachableError, match="it is not Vobiz"):
        await plan_manifest(world.manifest({}), world.settings(VOBIZ_BASE_URL=world.livekit.http_url))


async def test_lists_that_are_behind_are_waited_for(world: World):
    """What was written is seen by lists three reads later: nothing is made twice, and nothing is missed."""
    numbers = {world.number(): "anna" for _ in range(6)}
    world.vobiz.account.habits.change({"late_reads": 3})
    applied = await world.provision(numbers)
    assert applied.writes == 9
    world.vobiz.account.habits.change({"late_reads": 0})
    world.vobiz.account.late.forget()
    assert (await plan_manifest(world.manifest(numbers), world.settings())).changes == ()
    assert len(world.vobiz.account.trunks) == 1


async def test_a_number_with_both_a_trunk_and_an_application_is_freed_of_both(world: World) -> None:
    """The carrier keeps both, and asks the application: what is planned is there after one apply."""
    number = world.number()
    account = world.vobiz.account
    await world.provision({number: "anna"})
    application = applications.create(account, {"app_name": "bot", "answer_url": "https://bot.in/answer"})
    account.point(account.numbers[number], "application_id", application["app_id"])
    wanted = world.manifest({number: "anna"})
    assert (await plan_manifest(wanted, world.settings())).conflicts
    moved = await plan_manifest(wanted, world.settings(), take_over=True)
    await apply_plan(moved, world.settings())
    assert "application_id" not in account.numbers[number]
    assert account.numbers[number]["trunk_group_id"]
    assert (await plan_manifest(wanted, world.settings())).changes == ()


async def test_a_target_is_all_that_changes(world: World):
    """The manifest's other numbers are neither added nor removed, and the next whole apply does the rest."""
    one, two, three = (world.number() for _ in range(3))
    await world.provision({one: "anna", two: "anna"})
    manifest, settings = world.manifest({one: "bela", three: "anna"}), world.settings()
    part = await plan_manifest(manifest, settings, only={one})
    await apply_plan(part, settings)
    held = {known for trunk in await world.trunks() if trunk.name.endswith("-anna") for known in trunk.numbers}
    assert two in held
    assert not held & {one, three}
    assert (await plan_manifest(manifest, settings, only={one})).changes == ()
    whole = await plan_manifest(manifest, settings)
    assert {change.key.name for change in whole.changes if change.key.kind is Kind.ASSIGNMENT} == {two, three}


async def test_a_chosen_number_never_changes_how_others_are_treated(world: World):
    """They share the agent's trunk; without the whole manifest only a refusal is safe."""
    first, second = world.number(), world.number()
    limits = CallSettings(limits=Limits(ring_s=12, callers=("+919800000001",)), media_encryption="require")
    manifest = world.manifest({first: "anna"})
    manifest = manifest.model_copy(update={"numbers": (manifest.numbers[0].model_copy(update={"settings": limits}),)})
    await provision_manifest(manifest, world.settings())
    before = await world.snapshot()
    with pytest.raises(UserError, match="has other numbers, whose route or settings would change with it"):
        await provision_one(second, agent="anna", manifest=manifest, settings=world.settings())
    assert await world.snapshot() == before


async def test_headers_whose_names_begin_alike_converge(world: World):
    """However the pairs are sorted here and there."""
    headers = (("X-Clinic", "clinic"), ("X-Clinic-Id", "id"))
    manifest = world.manifest({world.number(): "anna"})
    entry = manifest.numbers[0].model_copy(update={"settings": CallSettings(headers_to_attributes=headers)})
    manifest = manifest.model_copy(update={"numbers": (entry,)})
    assert (await provision_manifest(manifest, world.settings())).writes == 4
    assert (await plan_manifest(manifest, world.settings())).changes == ()


async def test_an_apply_that_is_interrupted_leaves_no_number_between_two_routes(world: World):
    """What was unassigned is assigned before the end."""
    routes = {world.number(): "anna" for _ in range(6)}
    await world.provision(routes)
    manifest = world.manifest(routes)
    stays, *others = manifest.numbers  # with all of them the trunk itself would be turned round
    moved = [entry.model_copy(update={"route": SipRoute(sip="sip:pbx.lotus.in")}) for entry in others]
    manifest = manifest.model_copy(update={"numbers": (stays, *moved)})
    planned = await plan_manifest(manifest, world.settings(), allow_delete=True)
    world.vobiz.faults.waiting = [Fault(method="POST", path="/assign", passes=True, delay_s=0.5, times=99)]
    applying = asyncio.create_task(apply_plan(planned, world.settings()))
    while not any(method == "DELETE" for method, _ in world.vobiz.writes):
        assert not applying.done(), applying
        await asyncio.sleep(0.01)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    assert all(world.vobiz.account.numbers[number].get("trunk_group_id") for number in routes)


@pytest.mark.parametrize("neighbours", [0, 1])
async def test_what_took_calls_stays_until_those_on_their_way_have_come(world: World, neighbours: int):
    """A call that the carrier sent before the switch finds its trunk and its rule; the next apply goes on.

    Beside others the number leaves its trunk, alone the trunk goes.
    """
    number, *others = (world.number() for _ in range(1 + neighbours))
    await world.provision(dict.fromkeys((number, *others), "anna"))
    manifest = world.manifest(dict.fromkeys((number, *others), "anna"))
    away = manifest.numbers[0].model_copy(update={"route": SipRoute(sip="sip:pbx.lotus.in")})
    manifest = manifest.model_copy(update={"numbers": (away, *manifest.numbers[1:])})
    told: list[Progress] = []
    settings = world.settings().model_copy(update={"calls_arrive_s": 3600.0})
    planned = await plan_manifest(manifest, settings)
    assert planned.changes[-1].key.kind is Kind.INBOUND_TRUNK
    applying = asyncio.create_task(apply_plan(planned, settings, on_progress=told.append))
    while not told:
        await asyncio.sleep(0.05)
    await asyncio.wait([applying], timeout=1)
    assert not applying.done()
    assert {progress.change.key.kind.side for progress in told} == {"carrier"}
    assert number in await held(world)
    assert len(await world.rules()) == 1
    applying.cancel()
    await asyncio.wait([applying])
    await provision_manifest(manifest, world.settings())
    left = await held(world)
    assert number not in left
    assert left >= set(others)
    assert len(await world.rules()) == neighbours


async def held(world: World) -> set[str]:
    """Return the numbers of this deployment's LiveKit trunks."""
    return {number for trunk in await world.trunks() for number in trunk.numbers}
