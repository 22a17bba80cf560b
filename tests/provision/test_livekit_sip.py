"""LiveKit's edge: the rules of the real server that our order of writes is made for, and its strange answers."""

import pytest
from aiohttp import web
from livekit import api
from pydantic import SecretStr

from provision.errors import OutcomeUnknownError, RefusedError, UnreachableError
from provision.livekit_numbers import livekit_forms
from provision.livekit_sip import LiveKitSip
from provision.observed import Observed
from provision.servers import Ids
from provision.values import DispatchRule, InboundTrunk, Key, Kind
from tests.provision.world import CIDR, World, new_number


def trunk(world: World, agent: str, *numbers: str) -> InboundTrunk:
    forms = sorted(form for number in numbers for form in livekit_forms(number))
    return InboundTrunk(
        name=f"dialroom-{world.deployment}-{agent}", numbers=tuple(forms), allowed_addresses=("10.0.0.0/24", CIDR)
    )


def rule(world: World, agent: str) -> DispatchRule:
    name = f"dialroom-{world.deployment}-{agent}"
    return DispatchRule(name=name, trunks=(name,), room_prefix="call", agent_name="dialroom-x", agent_metadata="{}")


def opened(world: World) -> LiveKitSip:
    livekit = world.livekit
    secret = SecretStr(livekit.api_secret)
    return LiveKitSip(livekit.http_url, livekit.api_key, secret, deployment=world.deployment)


@pytest.fixture
def ids() -> Ids:
    return Ids(Observed(), "test")


async def test_what_is_written_is_read_back_the_same(world: World, ids: Ids):
    """Trunk and rule, created and updated."""
    async with opened(world) as livekit:
        first = trunk(world, "anna", new_number())
        trunk_id = await livekit.create(first, ids)
        assert await livekit.read(trunk_id, Kind.INBOUND_TRUNK, ids) == first
        ids.add(Key(Kind.INBOUND_TRUNK, first.name), trunk_id)
        rule_id = await livekit.create(rule(world, "anna"), ids)
        assert await livekit.read(rule_id, Kind.DISPATCH_RULE, ids) == rule(world, "anna")
        second = trunk(world, "anna", new_number(), new_number())
        await livekit.update(trunk_id, second, second, ids)
        assert await livekit.read(trunk_id, Kind.INBOUND_TRUNK, ids) == second
        seen = {seen.server_id: seen for seen in (await livekit.observe()).objects}
        assert (seen[trunk_id].value, seen[trunk_id].stamp) == (second, world.deployment)
        assert (seen[rule_id].value, seen[rule_id].stamp) == (rule(world, "anna"), world.deployment)


async def test_what_narrows_a_rule_is_seen_and_taken_away(world: World, ids: Ids):
    """A pin, caller numbers, hidden numbers, another kind of room: set by somebody else."""
    async with opened(world) as livekit:
        ids.add(Key(Kind.INBOUND_TRUNK, f"dialroom-{world.deployment}-anna"), "ST_1")
        rule_id = await livekit.create(rule(world, "anna"), ids)
        listed = await world.api.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest(dispatch_rule_ids=[rule_id]))
        info = listed.items[0]
        info.rule.dispatch_rule_direct.CopyFrom(api.SIPDispatchRuleDirect(room_name="one", pin="1234"))
        info.inbound_numbers[:] = ["+919812345678"]
        info.hide_phone_number = True
        await world.api.sip.update_dispatch_rule(rule_id, info)
        seen = await livekit.read(rule_id, Kind.DISPATCH_RULE, ids)
        assert isinstance(seen, DispatchRule)
        assert seen.restrictions == ("not one room per call", "caller numbers", "hidden numbers")
        await livekit.update(rule_id, rule(world, "anna"), rule(world, "anna"), ids)
        assert await livekit.read(rule_id, Kind.DISPATCH_RULE, ids) == rule(world, "anna")


async def test_the_server_refuses_a_number_that_another_trunk_has(world: World, ids: Ids):
    """In any form that it takes for the same: this is why a number is given up before it is taken."""
    number = new_number()
    async with opened(world) as livekit:
        await livekit.create(trunk(world, "anna", number), ids)
        with pytest.raises(RefusedError, match="Conflicting inbound SIP Trunks") as refused:
            await livekit.create(trunk(world, "bela", number), ids)
        assert refused.value.code == "invalid_argument"


async def test_the_server_takes_two_forms_of_a_number_on_one_rule_for_a_conflict_with_itself(world: World):
    """This is why numbers stand on trunks and there is one trunk per agent."""
    info = api.SIPDispatchRuleInfo(name="two forms", numbers=["+918071099998", "918071099998"], trunk_ids=["ST_1"])
    info.rule.dispatch_rule_individual.room_prefix = "call"
    with pytest.raises(api.ServerError, match="already exists"):
        await world.api.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))


async def test_deleting_what_is_gone_is_no_error(world: World, ids: Ids):
    """Somebody was faster."""
    async with opened(world) as livekit:
        value = trunk(world, "anna", new_number())
        trunk_id = await livekit.create(value, ids)
        for _ in range(2):
            await livekit.delete(trunk_id, value)
            await livekit.delete("SDR_gone", rule(world, "anna"))
        assert await livekit.read(trunk_id, Kind.INBOUND_TRUNK, ids) is None
        assert await livekit.read("SDR_gone", Kind.DISPATCH_RULE, ids) is None


@pytest.mark.parametrize(
    ("status", "body", "reads", "writes"),
    [
        (404, b"not found", UnreachableError, UnreachableError),
        (200, b"<html>hello</html>", UnreachableError, UnreachableError),
        (502, b"bad gateway", RefusedError, OutcomeUnknownError),
        (500, b'{"code":"internal","msg":"sip not connected (redis required)"}', RefusedError, OutcomeUnknownError),
    ],
)
async def test_strange_answers_are_told_apart(world: World, ids: Ids, status, body, reads, writes):
    """A server that is not LiveKit, a proxy in between, a LiveKit without Redis."""

    async def answered(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with LiveKitSip(url, "key", SecretStr("s" * 40), deployment="test") as livekit:
            with pytest.raises(reads):
                await livekit.observe()
            with pytest.raises(writes):
                await livekit.create(trunk(world, "anna", new_number()), ids)
    finally:
        await runner.cleanup()
