"""Calling out: login and trunk at the carrier, trunk at LiveKit, and a password that is in nothing that is told."""

import json
from pathlib import Path

import pytest
from livekit import api

from provision.errors import SettingMissingError
from provision.render import render
from provision.run import apply_plan, plan_destroy, plan_manifest
from provision.settings import ProvisionSettings, with_passwords
from telephony.errors import UserError
from telephony.manifest.load import ManifestError
from telephony.manifest.model import Manifest
from tests.provision.world import World
from tests.telephony.manifest.manifests import MINIMAL, parsed

FIRST, SECOND = "canary-first-4711", "canary-second-4712"


def manifest(world: World, number: str, **changed: str) -> Manifest:
    said = {"username": f"u{world.deployment}", "password": "{env: OUT_PASSWORD}", "transport": "udp"} | changed
    outbound = "outbound: {" + ", ".join(f"{key}: {value}" for key, value in said.items()) + "}\n"
    text = MINIMAL.replace("deployment: test", f"deployment: {world.deployment}").replace("+918071000001", number)
    return parsed(text + outbound)


def settings(world: World, wanted: Manifest, password: str) -> ProvisionSettings:
    return with_passwords(world.settings(), wanted, {"OUT_PASSWORD": password}, folder=Path())


async def outbound_trunks(world: World) -> list[api.SIPOutboundTrunkInfo]:
    listed = await world.api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
    return [trunk for trunk in listed.items if trunk.name == f"dialroom-{world.deployment}-out"]


async def applied(world: World, wanted: Manifest, password: str) -> list[str]:
    """Apply, see that nothing is left to do, and return what was changed; the password is told nowhere."""
    keys = settings(world, wanted, password)
    made = await plan_manifest(wanted, keys)
    told = json.dumps(made.to_dict()) + render(made, verbose=True)
    assert "canary" not in told
    await apply_plan(made, keys)
    assert (await plan_manifest(wanted, keys)).changes == ()
    return [f"{type(change).__name__} {change.key.kind.value}" for change in made.changes]


async def test_calls_can_leave_after_one_apply(world: World) -> None:
    """LiveKit knows the carrier's host, the login, and which numbers it may show."""
    number = world.number()
    made = await applied(world, manifest(world, number), FIRST)
    assert made[2:5] == [
        "Create carrier credential",
        "Create carrier outbound trunk",
        "Create LiveKit outbound trunk",
    ]
    (trunk,) = await outbound_trunks(world)
    (carrier,) = [t for t in world.vobiz.account.trunks.values() if t["trunk_direction"] == "outbound"]
    (login,) = world.vobiz.account.credentials.values()
    assert carrier["credential_uuid"] == login["id"]
    assert trunk.address == carrier["trunk_domain"]
    assert (trunk.auth_username, trunk.auth_password) == (f"u{world.deployment}", FIRST)
    assert list(trunk.numbers) == [number]
    assert trunk.transport == api.SIP_TRANSPORT_UDP


async def test_a_new_password_reaches_both_sides(world: World) -> None:
    """Two writes; another transport changes both trunks."""
    wanted = manifest(world, world.number())
    await applied(world, wanted, FIRST)
    assert await applied(world, wanted, SECOND) == ["Update carrier credential", "Update LiveKit outbound trunk"]
    (trunk,) = await outbound_trunks(world)
    assert trunk.auth_password == SECOND
    changed = manifest(world, wanted.numbers[0].number, transport="tcp")
    assert await applied(world, changed, SECOND) == ["Update carrier outbound trunk", "Update LiveKit outbound trunk"]


async def test_what_calls_out_goes_with_the_deployment(world: World) -> None:
    """Nothing is left at either side."""
    wanted = manifest(world, world.number())
    await applied(world, wanted, FIRST)
    await apply_plan(await plan_destroy(world.deployment, world.settings()), world.settings())
    assert await outbound_trunks(world) == []
    assert (world.vobiz.account.trunks, world.vobiz.account.credentials) == ({}, {})


def test_a_password_may_stand_in_a_file_beside_the_manifest(tmp_path: Path, world: World) -> None:
    """Its line end is no part of it."""
    (tmp_path / "secret").write_text(f"{FIRST}\n")
    wanted = manifest(world, world.number(), password="{file: secret}")
    made = with_passwords(world.settings(), wanted, {}, folder=tmp_path)
    assert [secret.get_secret_value() for secret in made.passwords.values()] == [FIRST]


def test_a_password_that_is_not_there_or_none_is_told_by_its_place(tmp_path: Path, world: World) -> None:
    """And never by what it is."""
    number = world.number()
    with pytest.raises(SettingMissingError, match="OUT_PASSWORD is not set"):
        with_passwords(world.settings(), manifest(world, number), {}, folder=tmp_path)
    with pytest.raises(UserError, match="secret: cannot be read"):
        with_passwords(world.settings(), manifest(world, number, password="{file: secret}"), {}, folder=tmp_path)
    with pytest.raises(UserError, match="the environment variable OUT_PASSWORD holds no password") as refused:
        settings(world, manifest(world, number), "canary")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"password": "canary-4711"}, "outbound.password: must not be written here"),
        ({"password": "{env: A, file: b}"}, "outbound.password: write exactly one of env and file"),
        ({"password": "{}"}, "outbound.password: write exactly one of env and file"),
        ({"username": "a-b"}, "outbound.username: does not match"),
        ({"caller_ids": "[+919812345678]"}, "outbound.caller_ids: +919812345678 is no number of this manifest"),
    ],
)
def test_a_wrong_outbound_side_is_told(world: World, changed: dict[str, str], expected: str) -> None:
    """With its place, and no password."""
    with pytest.raises(ManifestError) as refused:
        manifest(world, world.number(), **changed)
    assert expected in str(refused.value)
    assert "canary" not in str(refused.value)
