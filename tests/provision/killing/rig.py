"""A deployment, the two servers behind the proxy, and the command in children that may be killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import api

from lab.servers.livekit import LiveKit
from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running
from tests.provision.killing.proxy import Fault, Proxy, proxy

ROOT = Path(__file__).resolve().parents[3]
DEPLOYMENT = "killed"
FIRST = 918079000000
COUNT = 170
LIMIT_S = 90.0


def number(index: int) -> str:
    """Return one of the account's numbers."""
    return f"+{FIRST + index}"


def manifest(variant: str) -> str:
    """Return the manifest of the first apply ("made") or of one that changes a bit of everything ("changed")."""
    moved = variant == "changed"
    ring = 40 if moved else 30
    lines = [
        "version: 1",
        f"deployment: {DEPLOYMENT}",
        "livekit: {sip_host: sip.lotus.in}",
        "outbound: {username: dialroomkilled, password: {env: OUT_PASSWORD}}",
        "numbers:",
        f'  - range: {{first: "{number(0)}", last: "{number(99)}"}}',
        "    route: {agent: anna}",
        f'  - range: {{first: "{number(100)}", last: "{number(139)}"}}',
        f"    route: {{agent: {'anna' if moved else 'bela'}}}",
        f'  - range: {{first: "{number(140)}", last: "{number(149)}"}}',
        f"    limits: {{ring_s: {ring}}}",
        "    route: {agent: bela}",
        f'  - range: {{first: "{number(150)}", last: "{number(159)}"}}',
        f"    route: {{sip: '{'sip:desk.lotus.in:5080' if moved else 'sip:pbx.lotus.in'}'}}",
    ]
    if not moved:
        lines += [
            f'  - range: {{first: "{number(160)}", last: "{number(169)}"}}',
            "    route: {stream: {answer_url: 'https://bot.lotus.in/answer'}}",
        ]
    lines += ["agents:"]
    lines += [f"  {name}: {{greeting: Hello., goodbye: Bye., instructions: Be kind.}}" for name in ("anna", "bela")]
    return "\n".join(lines) + "\n"


@dataclass(kw_only=True)
class Rig:
    """One run at a time. `code` and `told` are of the last one."""

    folder: Path
    livekit: LiveKit
    client: api.LiveKitAPI
    proxy: Proxy
    process: asyncio.subprocess.Process
    fake: FakeVobiz
    code: int = 0
    told: str = ""

    async def run(self, *words: str, fault: Fault | None = None) -> int:
        """Run the command to its end, which may come early; -9 is a kill."""
        self.proxy.begin(fault)
        account = self.fake.account
        output = self.folder / "output.txt"
        asked = {
            "words": words,
            "folder": str(self.folder),
            "output": str(output),
            "environ": {
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LIVEKIT_URL": self.proxy.livekit_url,
                "LIVEKIT_API_KEY": self.livekit.api_key,
                "LIVEKIT_API_SECRET": self.livekit.api_secret,
                "VOBIZ_BASE_URL": self.fake.base_url.replace(self.fake.control_url, self.proxy.carrier_url),
                "VOBIZ_AUTH_ID": account.auth_id,
                "VOBIZ_AUTH_TOKEN": account.auth_token,
                "OUT_PASSWORD": "a-password-of-17",
            },
        }
        assert self.process.stdin
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        assert self.proxy.victim is not None
        self.proxy.victim.set_result((await self._line())["pid"])
        self.code = (await self._line())["code"]
        self.told = output.read_text()
        return self.code

    async def _line(self) -> dict[str, int]:
        assert self.process.stdout
        line = await asyncio.wait_for(self.process.stdout.readline(), LIMIT_S)
        assert line, "the command's server is gone"
        got: dict[str, int] = json.loads(line)
        return got

    def write(self, variant: str) -> None:
        """Put a manifest into the folder."""
        (self.folder / "dialroom.yaml").write_text(manifest(variant))

    def forget_state(self) -> None:
        """Delete the local state."""
        for path in (self.folder / ".dialroom").glob("provision.db*"):
            path.unlink()

    async def empty(self) -> None:
        """Take away everything that the deployment has, at both servers."""
        account = self.fake.account
        for family in (account.trunks, account.credentials, account.applications):
            family.clear()
        for row in account.numbers.values():
            for name in ("trunk_group_id", "application_id"):
                account.point(row, name, None)
        for rule in (await self.client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items:
            if rule.name.startswith(f"dialroom-{DEPLOYMENT}-"):
                gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
                await self.client.sip.delete_dispatch_rule(gone)
        inbound = (await self.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
        outbound = (await self.client.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
        for trunk in (*inbound, *outbound):
            if trunk.name.startswith(f"dialroom-{DEPLOYMENT}-"):
                await self.client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))

    async def state(self) -> dict[str, Any]:
        """Return what is there, counted at the servers, without ids: equal states are equal values."""
        account = self.fake.account
        trunks = {row["trunk_id"]: row for row in account.trunks.values()}
        users = {row["id"]: row["username"] for row in account.credentials.values()}
        domains = {row.get("trunk_domain"): row["name"] for row in trunks.values() if row.get("trunk_domain")}
        apps = {row["app_id"]: row["app_name"] for row in account.applications.values()}
        inbound = (await self.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items
        rules = (await self.client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
        outbound = (await self.client.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items
        names = {trunk.sip_trunk_id: trunk.name for trunk in inbound}
        ours = f"dialroom-{DEPLOYMENT}-"
        return {
            "carrier trunks": sorted(
                [row["name"], str(row.get("inbound_destination")), users.get(row.get("credential_uuid") or "", "")]
                for row in trunks.values()
            ),
            "credentials": sorted(users.values()),
            "applications": sorted([row["app_name"], row["answer_url"]] for row in account.applications.values()),
            "numbers": {
                key: trunks[row["trunk_group_id"]]["name"]
                if row.get("trunk_group_id")
                else apps.get(row.get("application_id") or "", "")
                for key, row in account.numbers.items()
            },
            "trunks": sorted(_trunk(trunk) for trunk in inbound if trunk.name.startswith(ours)),
            "rules": sorted(_rule(rule, names) for rule in rules if rule.name.startswith(ours)),
            "outbound": sorted(
                [t.name, domains.get(t.address, "?"), ",".join(sorted(t.numbers)), t.auth_username, t.auth_password]
                for t in outbound
                if t.name.startswith(ours)
            ),
        }


def _trunk(trunk: api.SIPInboundTrunkInfo) -> list[str]:
    return [trunk.name, ",".join(sorted(trunk.numbers)), ",".join(trunk.allowed_addresses), str(trunk.ringing_timeout)]


def _rule(rule: api.SIPDispatchRuleInfo, names: Mapping[str, str]) -> list[str]:
    agents = ";".join(f"{agent.agent_name} {agent.metadata}" for agent in rule.room_config.agents)
    return [rule.name, ",".join(sorted(names[known] for known in rule.trunk_ids)), agents]


@asynccontextmanager
async def rig(folder: Path, livekit: LiveKit) -> AsyncIterator[Rig]:
    """Serve the account and the proxy, and keep the command's server running."""
    account = Account(auth_id="MA_KILLED01", auth_token="a-token-that-nobody-else-has")
    for index in range(COUNT):
        account.add_number(number(index))
    async with (
        running(FakeVobiz(account=account)) as fake,
        proxy() as between,
        api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client,
    ):
        between.carrier, between.livekit = fake.control_url, livekit.http_url
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.provision.killing.server",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        made = Rig(folder=folder, livekit=livekit, client=client, proxy=between, process=process, fake=fake)
        try:
            yield made
        finally:
            await made.empty()
            assert process.stdin
            process.stdin.close()
            await process.wait()
