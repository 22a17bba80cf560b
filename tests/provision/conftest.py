"""The real livekit-server, the fake carrier over HTTP, and a deployment of its own for every test."""

import itertools
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from livekit import api

from lab.servers.livekit import LiveKit
from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running
from provision.run import Applied, provision_manifest
from provision.settings import ProvisionSettings
from telephony.manifest.model import AgentRoute, Manifest, NumberEntry
from tests.telephony.manifest.manifests import parsed

_LAST_DIGITS = itertools.count(100)
CIDR = "127.0.0.1/32"


def new_number() -> str:
    """Return a number that no other test has: one livekit-server serves them all."""
    return f"+9180711{next(_LAST_DIGITS):05}"


@dataclass(kw_only=True)
class World:
    """Both servers, and the manifest of a deployment that nobody else has."""

    vobiz: FakeVobiz
    livekit: LiveKit
    api: api.LiveKitAPI
    deployment: str = field(default_factory=lambda: f"t{secrets.token_hex(5)}")

    @property
    def environ(self) -> dict[str, str]:
        """What a command would find in its environment."""
        return {
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": self.livekit.api_key,
            "LIVEKIT_API_SECRET": self.livekit.api_secret,
            "VOBIZ_BASE_URL": self.vobiz.base_url,
            "VOBIZ_AUTH_ID": self.vobiz.account.auth_id,
            "VOBIZ_AUTH_TOKEN": self.vobiz.account.auth_token,
            "DIALROOM_CARRIER_CIDRS": CIDR,
        }

    def settings(self, **changed: str) -> ProvisionSettings:
        """Return settings for this world, some of them changed."""
        return ProvisionSettings.from_environ(self.environ | changed)

    def number(self) -> str:
        """Return a new number that the carrier account owns."""
        number = new_number()
        self.vobiz.account.add_number(number)
        return number

    def manifest(self, routes: dict[str, str], *, sip_host: str = "sip.lotus.in") -> Manifest:
        """Return a manifest with two agents, anna and bela, and these numbers."""
        minimal = parsed()
        return minimal.model_copy(
            update={
                "deployment": self.deployment,
                "agents": dict.fromkeys(("anna", "bela"), minimal.agents["front-desk"]),
                "numbers": tuple(NumberEntry(number=n, route=AgentRoute(agent=a)) for n, a in routes.items()),
                "livekit": minimal.livekit.model_copy(update={"sip_host": sip_host}),
            }
        )

    async def provision(self, routes: dict[str, str], *, sip_host: str = "sip.lotus.in") -> Applied:
        """Make the servers as such a manifest says."""
        return await provision_manifest(self.manifest(routes, sip_host=sip_host), self.settings())

    async def trunks(self) -> list[api.SIPInboundTrunkInfo]:
        """List this deployment's LiveKit trunks as LiveKit's own client sees them."""
        listed = await self.api.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        return [trunk for trunk in listed.items if trunk.name.startswith(f"dialroom-{self.deployment}-")]

    async def rules(self) -> list[api.SIPDispatchRuleInfo]:
        """List this deployment's dispatch rules."""
        listed = await self.api.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        return [rule for rule in listed.items if rule.name.startswith(f"dialroom-{self.deployment}-")]

    async def snapshot(self) -> list[str]:
        """Return everything at LiveKit and the carrier, comparable."""
        trunks = await self.api.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        rules = await self.api.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        account = self.vobiz.account
        return [*map(str, trunks.items), *map(str, rules.items), str(account.trunks), str(account.numbers)]


@pytest.fixture
async def vobiz() -> AsyncIterator[FakeVobiz]:
    """Serve a carrier account without trunks and numbers."""
    account = Account(auth_id="MA_TEST0001", auth_token=secrets.token_hex(20))
    async with running(FakeVobiz(account=account)) as fake:
        yield fake


@pytest.fixture
async def world(vobiz: FakeVobiz, livekit: LiveKit) -> AsyncIterator[World]:
    """Yield both servers; what the test made at LiveKit is removed afterwards."""
    async with api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret) as client:
        yield World(vobiz=vobiz, livekit=livekit, api=client)
        for rule in (await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items:
            gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
            await client.sip.delete_dispatch_rule(gone)
        for trunk in (await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items:
            await client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
