"""Every kind of route on the real livekit-server and the carrier's stand-in: written, read back, moved, taken away."""

from livekit import api

from provision.run import plan_manifest, provision_manifest
from telephony.dispatch import DispatchMetadata
from telephony.manifest.model import Manifest
from tests.provision.world import World
from tests.telephony.manifest.manifests import parsed

HEAD = "version: 1\ndeployment: {deployment}\nlivekit: {{sip_host: sip.lotus.in}}\nnumbers:\n"
AGENTS = """agents:
  anna: {greeting: Hello., goodbye: Bye., instructions: Be kind.}
  bela: {greeting: Hello., goodbye: Bye., instructions: Be brief.}
"""
SIP = '{sip: "sip:pbx.lotus.in:5080"}'
STREAM = "{stream: {answer_url: https://bot.lotus.in/answer, hangup_url: https://bot.lotus.in/bye}}"


def manifest(world: World, *lines: str) -> Manifest:
    text = HEAD.format(deployment=world.deployment) + "".join(f"  - {{{line}}}\n" for line in lines)
    return parsed((text if lines else text.replace("numbers:\n", "")) + AGENTS)


async def applied(world: World, *lines: str) -> int:
    """Apply a manifest, see that nothing is left to do, and return how many changes it took."""
    wanted = manifest(world, *lines)
    made = await provision_manifest(wanted, world.settings())
    again = await plan_manifest(wanted, world.settings())
    assert (again.changes, again.conflicts) == ((), ())
    return made.writes


async def test_each_kind_of_route_reaches_what_it_names(world: World) -> None:
    """Agents and a split at LiveKit, a PBX by a trunk of its own, a stream by an application."""
    one, two, three, four = (world.number() for _ in range(4))
    await applied(
        world,
        f'number: "{one}", route: {{agent: anna}}',
        f'number: "{two}", route: {{split: [{{agent: anna, weight: 7}}, {{agent: bela, weight: 3}}]}}',
        f'number: "{three}", route: {SIP}',
        f'number: "{four}", route: {STREAM}',
    )
    numbers, trunks = world.vobiz.account.numbers, world.vobiz.account.trunks
    assert trunks[numbers[one]["trunk_group_id"]]["inbound_destination"] == "sip.lotus.in"
    assert numbers[two]["trunk_group_id"] == numbers[one]["trunk_group_id"]
    assert trunks[numbers[three]["trunk_group_id"]]["inbound_destination"] == "pbx.lotus.in:5080"
    (application,) = world.vobiz.account.applications.values()
    assert numbers[four]["application_id"] == application["app_id"]
    assert application["answer_url"] == "https://bot.lotus.in/answer"
    metadata = [DispatchMetadata.from_json(rule.room_config.agents[0].metadata) for rule in await world.rules()]
    assert sorted(told.split for told in metadata) == [(), (("anna", 7), ("bela", 3))]


async def test_a_number_moves_through_all_routes_and_back(world: World) -> None:
    """One changed line each time; another number of the deployment keeps its route."""
    number, other = world.number(), world.number()
    stays = f'number: "{other}", route: {{agent: anna}}'
    for route in ("{agent: bela}", SIP, STREAM, "{agent: anna}"):
        await applied(world, stays, f'number: "{number}", route: {route}')
        here = world.vobiz.account.numbers[number]
        assert bool(here.get("application_id")) is (route == STREAM)
        assert bool(here.get("trunk_group_id")) is (route != STREAM)
        assert world.vobiz.account.numbers[other]["trunk_group_id"]
    assert world.vobiz.account.applications == {}
    assert len(world.vobiz.account.trunks) == 1


async def test_what_is_no_longer_in_the_manifest_goes(world: World) -> None:
    """Everything of the deployment, at both servers."""
    await applied(
        world,
        f'number: "{world.number()}", route: {{agent: anna}}',
        f'number: "{world.number()}", route: {SIP}',
        f'number: "{world.number()}", route: {STREAM}',
    )
    await applied(world)
    assert world.vobiz.account.trunks == {}
    assert world.vobiz.account.applications == {}
    assert await world.trunks() == []
    assert await world.rules() == []


async def test_settings_reach_livekits_trunk_and_unequal_ones_part_trunks(world: World) -> None:
    """Two numbers that are treated alike share one."""
    plain, one, two = world.number(), world.number(), world.number()
    special = (
        "route: {agent: anna}, codecs: [PCMA, G722], media_encryption: allow, krisp: true,"
        " limits: {max_call_s: 600, ring_s: 20, callers: [+919812345678]}, headers_to_attributes: {X-Clinic: clinic}"
    )
    await applied(
        world,
        f'number: "{plain}", route: {{agent: anna}}',
        f'number: "{one}", {special}',
        f'number: "{two}", {special}',
    )
    usual, other = sorted(await world.trunks(), key=lambda trunk: trunk.krisp_enabled)
    assert plain in usual.numbers
    assert {one, two} <= set(other.numbers)
    assert [codec.name for codec in other.media.codecs] == ["PCMA", "G722"]
    assert other.media.only_listed_codecs
    assert other.media.encryption == api.SIP_MEDIA_ENCRYPT_ALLOW
    assert (other.max_call_duration.seconds, other.ringing_timeout.seconds) == (600, 20)
    assert dict(other.headers_to_attributes) == {"X-Clinic": "clinic"}
    (rule,) = [rule for rule in await world.rules() if list(rule.trunk_ids) == [other.sip_trunk_id]]
    assert DispatchMetadata.from_json(rule.room_config.agents[0].metadata).callers == ("+919812345678",)


async def test_every_setting_can_change_in_place(world: World) -> None:
    """One write each: the trunk keeps its id."""
    number = world.number()
    await applied(world, f'number: "{number}", route: {{agent: anna}}')
    (before,) = await world.trunks()
    for setting in (
        "codecs: [PCMU]",
        "media_encryption: require",
        "krisp: true",
        "limits: {ring_s: 10}",
        "limits: {max_call_s: 60}",
        "headers_to_attributes: {X-A: a}",
    ):
        await applied(world, f'number: "{number}", route: {{agent: anna}}, {setting}')
    (after,) = await world.trunks()
    assert after.sip_trunk_id == before.sip_trunk_id


async def test_three_hundred_numbers_are_assigned_at_once(world: World) -> None:
    """However many: each is read back, and the second run writes nothing."""
    numbers = [world.number() for _ in range(300)]
    lines = [f'number: "{number}", route: {{agent: anna}}' for number in numbers]
    assert await applied(world, *lines) == 303
    assert await applied(world, *reversed(lines)) == 0
    assert len({world.vobiz.account.numbers[number]["trunk_group_id"] for number in numbers}) == 1


async def test_what_no_api_can_set_is_a_step_by_hand(world: World) -> None:
    """Ordered fallbacks of a SIP route; the plan has nothing else to do afterwards, and says it again."""
    number = world.number()
    route = "{sip: {host: pbx.lotus.in, fallbacks: [{host: pbx2.lotus.in, port: 5080}, {preset: retell}]}}"
    await applied(world, f'number: "{number}", route: {route}')
    again = await plan_manifest(manifest(world, f'number: "{number}", route: {route}'), world.settings())
    (told,) = [report.message for report in again.reports if "by hand" in report.message]
    assert "ask Vobiz's support to send its calls to" in told
    assert told.index("pbx2.lotus.in") < told.index("retell")


async def test_many_trunks_are_a_warning(world: World) -> None:
    """Each of so many numbers has settings of its own."""
    numbers = [world.number() for _ in range(21)]
    lines = [f'number: "{n}", route: {{agent: anna}}, limits: {{ring_s: {10 + i}}}' for i, n in enumerate(numbers)]
    made = await plan_manifest(manifest(world, *lines), world.settings())
    assert any("21 LiveKit trunks and rules" in report.message for report in made.reports)
    few = await plan_manifest(manifest(world, *lines[:20]), world.settings())
    assert not any("LiveKit trunks and rules" in report.message for report in few.reports)
