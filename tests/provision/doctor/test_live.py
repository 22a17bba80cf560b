"""The doctor with real servers, after provisioning by our own means: all is well, or a server is away."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from lab.servers.livekit import LiveKit
from lab.servers.sip_node import sip_node
from provision.doctor.render import render
from tests.provision.doctor.patient import UNSEEN, Patient
from tests.provision.doctor.pure import told, unwell
from tests.provision.world import World

NOWHERE = "http://127.0.0.1:1"


async def test_what_we_provision_is_well(patient: Patient, node: list[Any]):
    """All but the worker, of which LiveKit tells nothing without a call."""
    before = await patient.world.snapshot()
    diagnosis = await patient.examine()
    assert told(unwell(diagnosis.findings)) == [UNSEEN]
    assert diagnosis.exit_code == 0
    assert await patient.world.snapshot() == before
    assert not (await patient.world.api.room.list_rooms(api.ListRoomsRequest())).rooms


async def test_the_labs_sip_node(world: World, livekit: LiveKit, tmp_path: Path):
    """A real process answers both the question of livekit-server and the OPTIONS."""
    async with sip_node(tmp_path, livekit, kind="lab") as node:
        number = world.number()
        await world.provision({number: "anna"}, sip_host=node.address)
        assert told(await Patient(world, number, node.address).wrong()) == [UNSEEN]


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"VOBIZ_BASE_URL": f"{NOWHERE}/api/v1"}, "carrier_reachable"),
        ({"VOBIZ_AUTH_TOKEN": "wrong-token"}, "carrier_key"),
        ({"LIVEKIT_URL": NOWHERE}, "livekit_reachable"),
        ({"LIVEKIT_API_SECRET": "w" * 40}, "livekit_key"),
        ({"LIVEKIT_API_KEY": "APIunknown"}, "livekit_key"),
    ],
)
async def test_a_server_that_cannot_be_read(patient: Patient, node: list[Any], environ, code):
    """It is the only error, what hangs on it is skipped, and the other server is judged."""
    diagnosis = await patient.examine(environ=environ)
    assert [finding.code.value for finding in diagnosis.findings if finding.level == "error"] == [code]
    side = "carrier" if code.startswith("carrier") else "livekit"
    other = "livekit_key" if side == "carrier" else "carrier_key"
    assert (other, "ok") in told(diagnosis.findings)
    hanging = "number_owned" if side == "carrier" else "trunk_numbers"
    assert (hanging, "skipped") in told(diagnosis.findings)
    assert diagnosis.exit_code == 1


async def test_both_servers_are_away(patient: Patient):
    """Nothing is raised."""
    diagnosis = await patient.examine(environ={"VOBIZ_BASE_URL": NOWHERE, "LIVEKIT_URL": NOWHERE})
    errors = [finding.code.value for finding in diagnosis.findings if finding.level == "error"]
    assert errors == ["carrier_reachable", "livekit_reachable"]
    assert "connection refused" in render(diagnosis)


@pytest.mark.parametrize(("late_s", "level"), [(-100, "error"), (100, "error"), (-15, "warning"), (15, "warning")])
async def test_our_clock_is_wrong(patient: Patient, node: list[Any], late_s, level):
    """Both servers say so."""
    findings = await patient.wrong(now=lambda: time.time() - late_s)
    assert told(findings)[:2] == [("carrier_clock", level), ("livekit_clock", level)]
    words = "behind" if late_s > 0 else "ahead of"
    assert all(words in finding.sentence for finding in findings[:2])


async def test_nobody_answers_at_the_sip_host(patient: Patient, node: list[Any]):
    """Silence is a warning: a firewall is silent too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        findings = await patient.wrong(sip_host=f"127.0.0.1:{silent.getsockname()[1]}")
    (finding,) = [finding for finding in findings if finding.code.value == "sip_host_answer"]
    assert (finding.level, finding.command.split()[:3]) == ("warning", ["dialroom", "firewall", "nft"])


async def test_nobody_is_asked_when_it_is_not_wanted(patient: Patient, node: list[Any]):
    assert told(await patient.wrong(asks_sip=False)) == [("sip_host_answer", "skipped"), UNSEEN]


@pytest.mark.parametrize("environ", [{}, {"VOBIZ_AUTH_TOKEN": "wrong-token"}, {"LIVEKIT_API_SECRET": "w" * 40}])
async def test_no_key_is_told(patient: Patient, node: list[Any], environ):
    """Neither the right ones nor wrong ones."""
    diagnosis = await patient.examine(environ=environ)
    text = json.dumps(diagnosis.to_dict()) + render(diagnosis)
    secrets = {**patient.world.environ, **environ}
    for name in ("VOBIZ_AUTH_TOKEN", "LIVEKIT_API_SECRET"):
        assert secrets[name] not in text
        assert patient.world.environ[name] not in text
