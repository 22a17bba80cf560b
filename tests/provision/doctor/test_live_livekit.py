"""The doctor and the real livekit-server: what somebody changed there, and what is not running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livekit import api

from lab.servers.livekit import LiveKit
from provision.routing import livekit_reads
from telephony.dispatch import worker_name
from tests.provision.doctor.patient import UNSEEN, Patient
from tests.provision.doctor.pure import told
from tests.provision.routing.mini_worker import mini_worker
from tests.provision.routing.servers import livekit_without_redis


async def test_no_sip_node(patient: Patient):
    (finding, _) = await patient.wrong()
    assert (finding.code.value, finding.command) == ("sip_node", "docker compose up -d sip")


async def test_a_livekit_without_redis(patient: Patient, tmp_path: Path):
    """Its trunks and rules are not looked at."""
    async with livekit_without_redis(tmp_path) as server:
        environ = {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": server.api_key,
            "LIVEKIT_API_SECRET": server.api_secret,
        }
        diagnosis = await patient.examine(environ=environ)
    errors = [finding.code.value for finding in diagnosis.findings if finding.level == "error"]
    assert errors == ["livekit_redis"]
    assert {f.level for f in diagnosis.findings if f.code.value.startswith(("trunk_", "rule"))} == {"skipped"}


async def test_objects_of_others_at_livekit(patient: Patient, node: list[Any]):
    """As LiveKit stores them, with LiveKit's own command."""
    sip = patient.world.api.sip
    wild = api.SIPInboundTrunkInfo(name="wild", allowed_addresses=["13.233.44.61"])
    trunk = await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=wild))
    individual = api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(room_prefix="x"))
    agents = [api.RoomAgentDispatch(agent_name=worker_name(patient.world.deployment))]
    room = api.RoomConfiguration(agents=agents)
    ids = {trunk.sip_trunk_id}
    for name, trunk_ids in (("everybody", []), ("lost", ["ST_gone"])):
        info = api.SIPDispatchRuleInfo(name=name, rule=individual, trunk_ids=trunk_ids, room_config=room)
        made = await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))
        ids.add(made.sip_dispatch_rule_id)
    findings = await patient.wrong_objects(ids)
    assert told(findings) == [
        ("trunk_numbers", "warning"),
        ("trunk_addresses", "error"),
        ("rule_trunks", "error"),
        ("rule_trunk_unknown", "error"),
    ]
    assert all(finding.command.startswith("lk sip ") for finding in findings)


async def test_our_trunk_that_somebody_changed(patient: Patient, node: list[Any]):
    """It takes 8 kHz only, asks for a password and lists a caller."""
    (trunk,) = await patient.world.trunks()
    trunk.media.only_listed_codecs = True
    trunk.media.codecs.add(name="PCMA", rate=8000)
    trunk.auth_username, trunk.auth_password = "desk", "do-not-tell-1"
    trunk.allowed_numbers.append("+919812345678")
    await patient.world.api.sip.update_inbound_trunk(trunk.sip_trunk_id, trunk)
    findings = await patient.wrong_objects({trunk.sip_trunk_id})
    assert told(findings) == [("trunk_password", "error"), ("trunk_callers", "error"), ("trunk_codecs", "warning")]
    assert "do-not-tell-1" not in str(findings)


async def test_a_worker_shows_in_a_room(patient: Patient, node: list[Any], livekit: LiveKit):
    """LiveKit tells of workers only through calls."""
    name, client = worker_name(patient.world.deployment), patient.world.api
    async with mini_worker(livekit, name):
        await client.room.create_room(api.CreateRoomRequest(name=name, agents=[api.RoomAgentDispatch(agent_name=name)]))
        try:
            while (findings := await patient.wrong()) != []:
                assert told(findings) == [UNSEEN]
        finally:
            await client.room.delete_room(api.DeleteRoomRequest(room=name))


async def test_a_call_that_waits_for_a_worker_shows(patient: Patient, node: list[Any], monkeypatch):
    """livekit-server looks for a worker once."""
    monkeypatch.setattr(livekit_reads, "_SCAN_S", 0.0)
    name, client = worker_name(patient.world.deployment), patient.world.api
    await client.room.create_room(api.CreateRoomRequest(name=name, agents=[api.RoomAgentDispatch(agent_name=name)]))
    try:
        (finding,) = await patient.wrong()
    finally:
        await client.room.delete_room(api.DeleteRoomRequest(room=name))
    assert (finding.code.value, finding.level, finding.command) == ("worker", "error", "dialroom worker")
