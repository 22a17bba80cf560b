"""Calling out: login and trunk at the carrier, trunk at LiveKit, and a password that is in nothing that is told."""

import json
from pathlib import Path

import pytest
from dotenv import dotenv_values
from livekit import api

from lab.vobiz.faults import Fault
from provision.errors import SettingMissingError
from provision.passwords import make_password, with_passwords
from provision.render import render
from provision.run import apply_plan, plan_destroy, plan_manifest
from provision.settings import ProvisionSettings
from telephony.errors import UserError, WorldError
from telephony.manifest.load import ManifestError
from telephony.manifest.model import Manifest
from tests.provision.memory import names
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


@pytest.mark.parametrize("status", [None, 503])
async def test_an_outbound_trunk_whose_answer_was_lost_is_found_with_its_host(world: World, status: int | None) -> None:
    """What comes after it needs the host that the carrier gave it."""
    world.vobiz.faults.waiting.append(Fault(method="POST", path="/trunks", status=status, after_commit=True))
    await applied(world, manifest(world, world.number()), FIRST)
    (trunk,) = await outbound_trunks(world)
    (carrier,) = [t for t in world.vobiz.account.trunks.values() if t["trunk_direction"] == "outbound"]
    assert trunk.address == carrier["trunk_domain"]


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
        ({"password": "{env: A, file: b}"}, "outbound.password: write exactly one of env, file and command"),
        ({"password": "{}"}, "outbound.password: write exactly one of env, file and command"),
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


@pytest.mark.parametrize(
    ("password", "file"),
    [
        ("{env: OUT_PASSWORD}", ".env"),
        ("{env: OUT_PASSWORD, env_file: secrets/out.env}", "secrets/out.env"),
        ("{file: secrets/out}", "secrets/out"),
    ],
)
def test_a_password_is_made_and_kept_where_the_manifest_says(
    world: World, tmp_path: Path, password: str, file: str
) -> None:
    """For its owner alone, beside what was there, and only once unless another is wanted."""
    wanted = manifest(world, world.number(), password=password)
    assert wanted.outbound is not None
    (tmp_path / "secrets").mkdir()
    if "env" in password:
        (tmp_path / file).write_text("FIRST='1'\nexport OUT_PASSWORD=\nLAST=2\n")
    kept = make_password(wanted.outbound, {}, folder=tmp_path, renew=False)
    assert file in kept
    assert (tmp_path / file).stat().st_mode & 0o777 == 0o600
    written = dotenv_values(tmp_path / file)
    assert "env" not in password or (written["FIRST"], written["LAST"]) == ("1", "2")
    made = with_passwords(world.settings(), wanted, {}, folder=tmp_path)
    (secret,) = made.passwords.values()
    assert len(secret.get_secret_value()) == 20
    assert secret.get_secret_value() not in kept
    with pytest.raises(UserError, match="holds a password already; --renew makes another one"):
        make_password(wanted.outbound, {}, folder=tmp_path, renew=False)
    make_password(wanted.outbound, {}, folder=tmp_path, renew=True)
    assert secret.get_secret_value() not in (tmp_path / file).read_text()
    assert {path.name for path in tmp_path.rglob("*") if path.name.startswith(".")} <= {".env"}


def test_a_command_can_keep_and_tell_it(world: World, tmp_path: Path) -> None:
    """It gets it on its standard input; what it prints on its way is told to nobody."""
    place = tmp_path / "kept"
    store = f"[sh, -c, 'cat > {place}; echo canary-noise']"
    wanted = manifest(world, world.number(), password=f"{{command: [cat, {place}], store: {store}}}")
    assert wanted.outbound is not None
    with pytest.raises(WorldError, match=r"outbound\.password: cat ended with exit code 1"):
        with_passwords(world.settings(), wanted, {}, folder=tmp_path)
    assert make_password(wanted.outbound, {}, folder=tmp_path, renew=False) == "the command sh"
    (secret,) = with_passwords(world.settings(), wanted, {}, folder=tmp_path).passwords.values()
    assert secret.get_secret_value() == place.read_text()
    for command, told in (
        ("[nobody-has-this]", "cannot be run"),
        ("[sh, -c, 'echo canary >&2; exit 3']", "exit code 3"),
    ):
        broken = manifest(world, world.number(), password=f"{{command: {command}}}")
        with pytest.raises(WorldError, match=told) as refused:
            with_passwords(world.settings(), broken, {}, folder=tmp_path)
        assert "canary" not in str(refused.value)


async def test_a_deployment_has_a_login_of_its_own(world: World) -> None:
    """Letters and digits; it is ours by its name, also before any trunk uses it."""
    number = world.number()
    text = MINIMAL.replace("deployment: test", f"deployment: {world.deployment}").replace("+918071000001", number)
    wanted = parsed(text + "outbound: {password: {env: OUT_PASSWORD}}\n")
    await applied(world, wanted, FIRST)
    (login,) = world.vobiz.account.credentials.values()
    assert login["username"] == f"dialroom{world.deployment}"
    world.vobiz.account.trunks.clear()
    destroy = await plan_destroy(world.deployment, world.settings())
    assert f"Delete carrier credential {login['username']}" in names(destroy.changes)


async def test_a_plan_whose_password_nobody_knows_any_more_writes_nothing(world: World) -> None:
    """A saved plan, or a rollback, to a login that the manifest no longer has."""
    wanted = manifest(world, world.number())
    planned = await plan_manifest(wanted, settings(world, wanted, FIRST))
    writes = len(world.vobiz.writes)
    with pytest.raises(UserError, match=r"nothing was written: .* needs the password of"):
        await apply_plan(planned, world.settings())
    assert len(world.vobiz.writes) == writes


def test_a_file_that_is_a_link_stays_one(world: World, tmp_path: Path) -> None:
    """What it leads to gets the password."""
    wanted = manifest(world, world.number(), password="{env: OUT_PASSWORD}")
    assert wanted.outbound is not None
    (tmp_path / "shared.env").write_text("OTHER=1\n")
    (tmp_path / ".env").symlink_to("shared.env")
    make_password(wanted.outbound, {}, folder=tmp_path, renew=False)
    assert (tmp_path / ".env").is_symlink()
    assert set(dotenv_values(tmp_path / "shared.env")) == {"OTHER", "OUT_PASSWORD"}


@pytest.mark.parametrize("password", ['{file: "a\\0b"}', '{command: ["a\\0b"]}', '{command: [cat, "\\0"]}'])
def test_a_zero_byte_in_a_reference_is_told(world: World, tmp_path: Path, password: str) -> None:
    """In one line."""
    wanted = manifest(world, world.number(), password=password)
    with pytest.raises((UserError, WorldError), match="null byte"):
        with_passwords(world.settings(), wanted, {}, folder=tmp_path)


async def test_a_strangers_trunk_with_our_login_is_no_drift(world: World) -> None:
    """What LiveKit has for us is what our own trunk has, whoever else calls out with the same name."""
    wanted = manifest(world, world.number())
    await applied(world, wanted, FIRST)
    for name in ("a stranger's", "zz stranger's"):
        trunk = api.SIPOutboundTrunkInfo(
            name=name,
            address="x.in",
            numbers=["+918071999999"],
            auth_username=f"u{world.deployment}",
            auth_password=SECOND,
        )
        await world.api.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
    assert (await plan_manifest(wanted, settings(world, wanted, FIRST))).changes == ()
