"""Both servers as a test sees them, and a deployment of its own."""

import itertools
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from livekit import api

from lab.servers.livekit import LiveKit
from lab.vobiz.server import FakeVobiz
from provision.run import Applied, provision_manifest
from provision.settings import ProvisionSettings
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute
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
        """Return settings for this world, some of them changed. No call comes in it, so none is waited for."""
        settings = ProvisionSettings.from_environ(self.environ | changed)
        return settings.model_copy(update={"calls_arrive_s": 0.0})

    def number(self) -> str:
        """Return a new number that the carrier account owns."""
        number = new_number()
        self.vobiz.account.add_number(number)
        return number

    def manifest(
        self, routes: dict[str, str], *, sip_host: str = "sip.lotus.in", agents: Iterable[str] = ("anna", "bela")
    ) -> Manifest:
        """Return a manifest with these agents and numbers."""
        minimal = parsed()
        return minimal.model_copy(
            update={
                "deployment": self.deployment,
                "agents": dict.fromkeys(agents, minimal.agents["front-desk"]),
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

    async def ids(self) -> set[str]:
        """Return the ids of everything at LiveKit."""
        inbound = await self.api.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        outbound = await self.api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        rules = await self.api.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        trunks = {trunk.sip_trunk_id for listed in (inbound, outbound) for trunk in listed.items}
        return trunks | {rule.sip_dispatch_rule_id for rule in rules.items}

    async def delete(self, ids: set[str]) -> None:
        """Delete objects at LiveKit, rules first."""
        for server_id in sorted(ids, key=lambda server_id: server_id.startswith("ST_")):
            if server_id.startswith("ST_"):
                await self.api.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=server_id))
            else:
                gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=server_id)
                await self.api.sip.delete_dispatch_rule(gone)

    async def snapshot(self) -> list[str]:
        """Return everything at LiveKit and the carrier, comparable."""
        inbound = await self.api.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        outbound = await self.api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        rules = await self.api.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        account = self.vobiz.account
        objects = [str(item) for listed in (inbound, outbound, rules) for item in listed.items]
        return [*objects, str(account.trunks), str(account.numbers)]
