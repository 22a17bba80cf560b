"""Secrets in every place where users keep them, hundreds of commands that go wrong: none is told to anybody."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import typer.main
from livekit import api

import cli
from lab.servers.binaries import find_livekit_server
from lab.servers.livekit import LiveKit
from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running
from tests.canary.canaries import NAMES, Canaries, new_secret
from tests.canary.forks import command_lines
from tests.canary.liar import liar
from tests.canary.runner import Left, Run, Runner, runner
from tests.canary.runs import Maker, Servers, all_runs

LEAST, LEAST_IN_SAMPLE, LEAST_CANARIES = 300, 60, 12
NUMBERS = 300
SAMPLE_STEP = 6
AUTH_ID = "MA_CANARY01"


@pytest.fixture(scope="module")
def canaries(livekit: LiveKit) -> Canaries:
    """Return new ones; LiveKit's own secret is one of them."""
    return Canaries({name: new_secret() for name in NAMES} | {"LIVEKIT_API_SECRET": livekit.api_secret})


@pytest.fixture(scope="module")
async def maker(canaries: Canaries, livekit: LiveKit) -> AsyncIterator[Maker]:
    """Yield what makes runs: a carrier whose token is a canary, the real livekit-server, and a liar beside them."""
    account = Account(auth_id=AUTH_ID, auth_token=canaries["VOBIZ_AUTH_TOKEN"])
    numbers = tuple(f"+9180720{last:05}" for last in range(NUMBERS))
    for number in numbers:
        account.add_number(number)
    account.offer_number("+918071000001")
    async with (
        running(FakeVobiz(account=account)) as vobiz,
        liar(vobiz=vobiz.control_url, livekit=livekit.http_url) as lying,
        api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client,
    ):
        servers = Servers(
            vobiz=vobiz.base_url,
            livekit=livekit.url,
            auth_id=AUTH_ID,
            livekit_key=livekit.api_key,
            liar=f"http://127.0.0.1:{lying.port}",
            binary=str(find_livekit_server()),
            numbers=numbers,
        )
        yield Maker(canaries=canaries, servers=servers)
        await _tidy(client)


@pytest.fixture(scope="module")
async def commands(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runner]:
    """Yield what runs commands."""
    async with runner(tmp_path_factory.mktemp("canary")) as it:
        yield it


async def test_no_command_tells_a_secret(maker: Maker, commands: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    """A sample of all runs, from each kind some."""
    await _all_silent(all_runs(maker, help_words())[::SAMPLE_STEP], maker, commands, capsys, least=LEAST_IN_SAMPLE)


@pytest.mark.full
@pytest.mark.timeout(1200)
async def test_none_of_all_commands_tells_a_secret(
    maker: Maker, commands: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every run."""
    await _all_silent(all_runs(maker, help_words()), maker, commands, capsys, least=LEAST)


async def _all_silent(
    runs: list[Run], maker: Maker, commands: Runner, capsys: pytest.CaptureFixture[str], *, least: int
) -> None:
    assert len(maker.canaries.by_name) >= LEAST_CANARIES
    assert len(runs) >= least
    left: list[Left] = await asyncio.gather(*(commands.run(run) for run in runs))
    with capsys.disabled():
        texts = sum(len(one.texts) for one in left)
        sys.stdout.write(f"\n{len(maker.canaries.by_name)} canaries, {len(left)} runs, {texts} texts searched\n")
    problems = [problem for one in left for problem in (*one.told(maker.canaries), *one.failures)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "encode",
    [
        str,
        str.upper,
        lambda secret: f"x{secret}y",
        lambda secret: secret[5:16],
        lambda secret: secret[-12:],
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(quote(secret, safe=""), safe=""),
        lambda secret: json.dumps({"key": f"before {secret} after"}),
        lambda secret: repr([secret]),
        lambda secret: secret.encode().hex(),
        lambda secret: "".join(f"\\u{ord(char):04X}" for char in secret),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(f"a:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"ab:{secret}:c".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"user:{secret}".encode()).decode().rstrip("="),
    ],
)
def test_the_search_finds_a_secret_in_every_dress(encode) -> None:
    """Whole or in part."""
    canaries = Canaries()
    told = f"something {encode(canaries['PGPASSWORD'])} else".encode()
    assert canaries.found(told) == ["PGPASSWORD"]
    assert canaries.found(b"something else") == []


def test_the_search_finds_a_token_of_livekit() -> None:
    """A token is as good as the secret for as long as it is valid."""
    token = api.AccessToken("APIkey", new_secret()).with_identity("x").to_jwt()
    assert Canaries().found(f"Authorization: Bearer {token}".encode()) == ["a token of LiveKit"]


@pytest.mark.parametrize("of_its_own", [False, True])
async def test_a_planted_secret_is_found_where_it_was_printed(maker: Maker, commands: Runner, of_its_own: bool) -> None:
    """On standard error, and on the command line of a process of its own."""
    name = maker.canaries["CRM_KEY"].replace("/", "_")
    left = await commands.run(Run(name="named", words=("cost", "-m", f"{name}.yaml"), of_its_own=of_its_own))
    told = left.told(maker.canaries)
    assert told[0] == "named: CRM_KEY in standard error"
    assert told[1:] == (["named: CRM_KEY in a command line"] if of_its_own else [])


async def test_a_planted_secret_is_found_where_it_was_saved(maker: Maker, commands: Runner) -> None:
    """In a plan, which names the address that the carrier is to ask."""
    url = f"https://bot.lotus.in/{maker.canaries['CRM_KEY'][-12:]}"
    good = str(maker.run("good", "").files["dialroom.yaml"])
    manifest = good.replace("route: { agent: desk }", f'route: {{ stream: {{ answer_url: "{url}" }} }}')
    planned = maker.run("planned", "provision plan --json --out saved.json", files={"dialroom.yaml": manifest})
    told = (await commands.run(planned)).told(maker.canaries)
    assert [words.rpartition(" in ")[2] for words in told] == ["standard output", "work/saved.json"]


async def test_a_secret_on_a_command_line_is_found() -> None:
    """Of a child's child too."""
    secret = new_secret()
    inner = "import time; time.sleep(60)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}, sys.stdin.readline()])"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", outer), stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdin is not None
    process.stdin.write(f"{secret}\n".encode())
    await process.stdin.drain()
    process.stdin.close()
    try:
        async with asyncio.timeout(60):
            while not any(secret in line for line in command_lines(process.pid)):
                await asyncio.sleep(0.02)
    finally:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        await process.wait()


def help_words() -> list[str]:
    """Return every command and group, as a user writes it."""
    return list(_commands(typer.main.get_command(cli.app), ()))


def _commands(command: object, words: tuple[str, ...]) -> Iterator[str]:
    yield " ".join(words)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*words, name))


async def _tidy(client: api.LiveKitAPI) -> None:
    """Delete what the runs have made at LiveKit."""
    for rule in (await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items:
        if rule.name.startswith("dialroom-canary"):
            gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
            await client.sip.delete_dispatch_rule(gone)
    inbound = (await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
    outbound = (await client.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
    for trunk in (*inbound, *outbound):
        if trunk.name.startswith("dialroom-canary"):
            await client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
