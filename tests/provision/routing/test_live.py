"""Route tests with the real livekit-server and the carrier over HTTP, after provisioning by our own means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from pydantic import SecretStr

from lab.servers.livekit import LiveKit
from lab.servers.sip_node import sip_node
from provision.errors import AccessDeniedError, UnreachableError
from provision.routing import livekit_reads
from provision.routing.live import route_test
from provision.routing.livekit_reads import LiveKitReads
from provision.routing.verdict import Code, Outcome, Verdict
from provision.routing.world import SipService
from telephony.dispatch import worker_name
from telephony.errors import UserError
from tests.provision.routing.mini_worker import mini_worker
from tests.provision.routing.servers import livekit_without_redis, refusing_node
from tests.provision.world import CIDR, World

SOURCE = CIDR.partition("/")[0]


@dataclass
class Provisioned:
    """A number that our own provisioning put through."""

    world: World
    number: str

    async def test(self, **asked: Any) -> Verdict:
        settings = self.world.settings(**asked.pop("settings", {}))
        manifest = self.world.manifest({self.number: "anna"})
        return await route_test(asked.pop("number", self.number), manifest=manifest, settings=settings, **asked)

    @property
    def trunk_row(self) -> dict[str, Any]:
        (row,) = self.world.vobiz.account.trunks.values()
        return row


@pytest.fixture
async def provisioned(world: World) -> Provisioned:
    number = world.number()
    await world.provision({number: "anna"})
    return Provisioned(world, number)


@pytest.fixture
async def node(livekit: LiveKit) -> AsyncIterator[list[Any]]:
    async with refusing_node(livekit) as asked:
        yield asked


def codes(verdict: Verdict) -> list[str]:
    return [cause.code.value for cause in verdict.causes]


async def test_what_we_provision_is_answered_in_every_form(provisioned: Provisioned, node: list[Any]):
    """From every address of the carrier, without any doubt."""
    verdict = await provisioned.test()
    assert (verdict.outcome, codes(verdict)) == (Outcome.ANSWERED, [])
    assert verdict.agent == worker_name(provisioned.world.deployment)
    assert len(verdict.variants) == 4
    assert {variant.outcome for variant in verdict.variants} == {Outcome.ANSWERED}
    assert len(node) == 1


async def test_a_number_is_asked_in_any_indian_form(provisioned: Provisioned, node: list[Any]):
    """As one would dial it."""
    national = f"0{provisioned.number[3:8]} {provisioned.number[8:]}"
    assert (await provisioned.test(number=national)).number == provisioned.number


async def test_the_call_can_be_described(provisioned: Provisioned, node: list[Any]):
    """Another source, another form of To; then only that way is judged."""
    verdict = await provisioned.test(source_ip="198.51.100.7", to_form=provisioned.number[1:], from_number="anonymous")
    assert (verdict.to_form, verdict.source_ip, verdict.variants) == (provisioned.number[1:], "198.51.100.7", ())
    assert (verdict.outcome, codes(verdict)) == (Outcome.DROPPED, ["source_not_allowed"])


async def test_what_is_no_address_is_the_users_fault(provisioned: Provisioned):
    with pytest.raises(UserError, match="not an IP address"):
        await provisioned.test(source_ip="carrier")


async def test_no_sip_node(provisioned: Provisioned):
    """The server says so itself; nothing is left behind."""
    verdict = await provisioned.test()
    assert (verdict.outcome, codes(verdict)) == (Outcome.LOST, ["sip_node_missing"])
    assert not (await provisioned.world.api.room.list_rooms(api.ListRoomsRequest())).rooms


async def test_the_labs_sip_node(provisioned: Provisioned, livekit: LiveKit, tmp_path: Path):
    """A real process that refuses the impossible call; no room is left behind and no INVITE is sent."""
    async with sip_node(tmp_path, livekit, kind="lab"):
        verdict = await provisioned.test()
    assert (verdict.outcome, codes(verdict)) == (Outcome.ANSWERED, [])
    rooms = (await provisioned.world.api.room.list_rooms(api.ListRoomsRequest())).rooms
    assert not [room.name for room in rooms if room.name.startswith("dialroom-probe")]


async def test_a_livekit_without_redis(provisioned: Provisioned, tmp_path: Path):
    """It cannot even list trunks; that is told as what it is."""
    async with livekit_without_redis(tmp_path) as server:
        asked = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.api_key, "LIVEKIT_API_SECRET": server.api_secret}
        verdict = await provisioned.test(settings=asked)
        assert (verdict.outcome, codes(verdict)) == (Outcome.LOST, ["sip_without_redis"])
        async with LiveKitReads(server.http_url, server.api_key, SecretStr(server.api_secret)) as reads:
            assert await reads.sip_service() is SipService.NO_REDIS


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"LIVEKIT_API_SECRET": "w" * 40}, AccessDeniedError), ({"LIVEKIT_URL": "ws://127.0.0.1:1"}, UnreachableError)],
)
async def test_a_livekit_that_cannot_be_read_is_an_error(provisioned: Provisioned, changed, error):
    """There is nothing to judge."""
    with pytest.raises(error):
        await provisioned.test(settings=changed)


async def test_a_carrier_that_cannot_be_read_leaves_its_hops_open(provisioned: Provisioned, node: list[Any]):
    """The rest is judged."""
    verdict = await provisioned.test(settings={"VOBIZ_AUTH_TOKEN": "wrong"})
    assert (verdict.outcome, codes(verdict)) == (Outcome.ANSWERED, [])
    assert (verdict.steps[0].is_ok, verdict.steps[1].is_ok) == (None, None)
    assert "refused the key" in verdict.steps[0].text


async def test_another_number_of_the_account(provisioned: Provisioned, node: list[Any]):
    """Told on both sides, with the command that puts it through."""
    other = provisioned.world.number()
    verdict = await provisioned.test(number=other)
    assert (verdict.outcome, codes(verdict)) == (Outcome.LOST, ["number_not_assigned", "number_not_on_trunk"])
    assert {cause.command for cause in verdict.causes} == {f"dialroom provision {other} --agent NAME"}


async def test_a_number_of_nobody(provisioned: Provisioned, node: list[Any]):
    assert codes(await provisioned.test(number="+918040000001"))[0] == "number_not_owned"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"trunk_status": "disabled"}, Code.CARRIER_TRUNK_DISABLED),
        ({"inbound_destination": "sip:sip.lotus.in"}, Code.DESTINATION_SCHEME),
        ({"inbound_destination": "sip.rose.in"}, Code.DESTINATION_WRONG),
        ({"inbound_destination": ""}, Code.DESTINATION_MISSING),
        ({"trunk_direction": "outbound"}, Code.CARRIER_TRUNK_OUTBOUND),
        ({"name": "theirs", "inbound_destination": "sip.rose.in"}, Code.NUMBER_ON_OTHER_TRUNK),
    ],
)
async def test_a_carrier_trunk_that_somebody_changed(provisioned: Provisioned, node: list[Any], fields, code: Code):
    """As the API stores it."""
    provisioned.trunk_row.update(fields)
    assert codes(await provisioned.test()) == [code.value]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"is_blocked": True}, Code.NUMBER_BLOCKED),
        ({"application_id": "app1"}, Code.APPLICATION_ATTACHED),
        ({"trunk_group_id": None}, Code.NUMBER_NOT_ASSIGNED),
        ({"trunk_group_id": "gone"}, Code.CARRIER_TRUNK_MISSING),
    ],
)
async def test_a_number_that_somebody_changed(provisioned: Provisioned, node: list[Any], fields, code: Code):
    """As the API stores it."""
    provisioned.world.vobiz.account.numbers[provisioned.number].update(fields)
    assert codes(await provisioned.test()) == [code.value]


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("sip:sip.lotus.in:5060", []),
        ("sip:+918071000001@sip.lotus.in;transport=tcp", []),
        ("sip:x@sip.rose.in", ["destination_wrong"]),
    ],
)
async def test_a_destination_made_in_the_console(provisioned: Provisioned, node: list[Any], uri, found):
    """It is stored as the id of an origination URI, which has the host."""
    known = "0b7a3c1e-4d5f-4a6b-8c7d-9e0f1a2b3c4d"
    provisioned.world.vobiz.account.uris[known] = {"id": known, "uri": uri, "priority": 1}
    provisioned.trunk_row["inbound_destination"] = known
    assert codes(await provisioned.test()) == found


async def test_a_rule_that_somebody_changed(provisioned: Provisioned, node: list[Any]):
    """Our rule, without its agent."""
    (rule,) = await provisioned.world.rules()
    del rule.room_config.agents[:]
    await provisioned.world.api.sip.update_dispatch_rule(rule.sip_dispatch_rule_id, rule)
    verdict = await provisioned.test()
    assert (verdict.outcome, codes(verdict)) == (Outcome.RINGS, ["no_agent"])
    assert verdict.causes[0].command == "dialroom provision apply"


async def test_a_worker_shows_in_a_room(provisioned: Provisioned, node: list[Any], livekit: LiveKit):
    """LiveKit tells of workers only through calls: one that was taken proves that somebody is there."""
    name, client = worker_name(provisioned.world.deployment), provisioned.world.api
    async with mini_worker(livekit, name):
        await client.room.create_room(api.CreateRoomRequest(name=name, agents=[api.RoomAgentDispatch(agent_name=name)]))
        try:
            async with LiveKitReads(livekit.http_url, livekit.api_key, SecretStr(livekit.api_secret)) as reads:
                while not (await reads.workers((name,)))[0]:
                    pass
            verdict = await provisioned.test()
        finally:
            await client.room.delete_room(api.DeleteRoomRequest(room=name))
    assert (verdict.outcome, verdict.steps[-1].is_ok) == (Outcome.ANSWERED, True)


async def test_a_call_that_waits_for_a_worker_shows(provisioned: Provisioned, node: list[Any], monkeypatch):
    """livekit-server looks for a worker once; a call that got none rings until it times out."""
    monkeypatch.setattr(livekit_reads, "_SCAN_S", 0.0)
    name, client = worker_name(provisioned.world.deployment), provisioned.world.api
    await client.room.create_room(api.CreateRoomRequest(name=name, agents=[api.RoomAgentDispatch(agent_name=name)]))
    try:
        verdict = await provisioned.test()
    finally:
        await client.room.delete_room(api.DeleteRoomRequest(room=name))
    assert (verdict.outcome, codes(verdict)) == (Outcome.RINGS, ["no_worker"])
