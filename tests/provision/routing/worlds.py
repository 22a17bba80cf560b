"""Small worlds of trunks and rules: described by names, written to the real livekit-server, taken away again."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from livekit import api

from lab.servers.livekit import LiveKit
from provision.routing.call import Invite

NUMBER = "+918071000001"
OTHER_NUMBER = "+918071000002"
CALLER = "+919812345678"
OTHER_CALLER = "+919812345679"
SOURCE = "203.0.113.5"
_CONFLICTS = ("Conflicting inbound SIP Trunks", "already exists in dispatch rule")
_slipped = itertools.count(1)


def trunk(name: str, *numbers: str, **fields: Any) -> api.SIPInboundTrunkInfo:
    """Describe a trunk that lets everybody call, unless `fields` say otherwise."""
    given = {"allowed_addresses": ["0.0.0.0/0", "::/0"]} | fields
    return api.SIPInboundTrunkInfo(name=name, numbers=numbers, **given)


def rule(name: str, *trunks: str, kind: str = "individual", agent: str | None = "anna", **fields: Any) -> Any:
    """Describe a rule; `trunks` are names of trunks, or ids that nobody has."""
    own = {key: fields.pop(key) for key in ("pin", "no_randomness", "randomize") if key in fields}
    place = fields.pop("room", "desk" if kind == "direct" else "call")
    made = {
        "direct": lambda: {"dispatch_rule_direct": api.SIPDispatchRuleDirect(room_name=place, **own)},
        "individual": lambda: {"dispatch_rule_individual": api.SIPDispatchRuleIndividual(room_prefix=place, **own)},
        "callee": lambda: {"dispatch_rule_callee": api.SIPDispatchRuleCallee(room_prefix=place, **own)},
    }
    agents = [] if agent is None else [api.RoomAgentDispatch(agent_name=agent)]
    return api.SIPDispatchRuleInfo(
        name=name,
        trunk_ids=trunks,
        rule=api.SIPDispatchRule(**made[kind]()),
        room_config=api.RoomConfiguration(agents=agents),
        **fields,
    )


def invite(
    to: str = NUMBER, *, caller: str = CALLER, host: str = "carrier.example.com", source: str = SOURCE
) -> Invite:
    """Describe a call."""
    return Invite(to_user=to, from_user=caller, from_host=host, source_ip=source)


@dataclass(frozen=True)
class Written:
    """What the server lists, and the names by id."""

    trunks: list[api.SIPInboundTrunkInfo]
    rules: list[api.SIPDispatchRuleInfo]

    def name(self, server_id: str) -> str:
        """Return the name of an object, "-" for none."""
        names = {trunk.sip_trunk_id: trunk.name for trunk in self.trunks}
        names |= {rule.sip_dispatch_rule_id: rule.name for rule in self.rules}
        return names.get(server_id, "-")


def is_conflict(error: api.ServerError) -> bool:
    """Say whether the server refused a write because of another object."""
    return any(words in error.message for words in _CONFLICTS)


class Writer:
    """Writes through LiveKit's API. What it refuses as a conflict slips in past it, as its own gaps let it."""

    def __init__(self, client: api.LiveKitAPI, livekit: LiveKit) -> None:
        self._client = client
        self._redis_url = livekit.redis_url

    @asynccontextmanager
    async def written(
        self, trunks: Sequence[api.SIPInboundTrunkInfo], rules: Sequence[api.SIPDispatchRuleInfo]
    ) -> AsyncIterator[Written]:
        """Keep a world on the server for as long as the block lasts."""
        ids: dict[str, str] = {}
        rule_ids: dict[str, str] = {}
        try:
            for described in trunks:
                ids[described.name] = await self._trunk(described)
            for described in rules:
                rule_ids[described.name] = await self._rule(described, ids)
            yield await self.listed()
        finally:
            for rule_id in rule_ids.values():
                gone = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id)
                await self._client.sip.delete_dispatch_rule(gone)
            for trunk_id in ids.values():
                await self._client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk_id))

    async def listed(self) -> Written:
        """List everything."""
        trunks = await self._client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        rules = await self._client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        return Written(list(trunks.items), list(rules.items))

    async def _trunk(self, described: api.SIPInboundTrunkInfo) -> str:
        info = api.SIPInboundTrunkInfo.FromString(described.SerializeToString())
        try:
            made = await self._client.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        except api.ServerError as error:
            if not is_conflict(error):
                raise
            info.sip_trunk_id = f"ST_slipped{next(_slipped):04}"
            await self._slip_in("sip_inbound_trunk", info.sip_trunk_id, info.SerializeToString())
            return info.sip_trunk_id
        return made.sip_trunk_id

    async def _rule(self, described: api.SIPDispatchRuleInfo, ids: dict[str, str]) -> str:
        info = api.SIPDispatchRuleInfo.FromString(described.SerializeToString())
        info.trunk_ids[:] = [ids.get(name, name) for name in described.trunk_ids]
        try:
            made = await self._client.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=info))
        except api.ServerError as error:
            if not is_conflict(error):
                raise
            info.sip_dispatch_rule_id = f"SDR_slipped{next(_slipped):04}"
            await self._slip_in("sip_dispatch_rule", info.sip_dispatch_rule_id, info.SerializeToString())
            return info.sip_dispatch_rule_id
        return made.sip_dispatch_rule_id

    async def _slip_in(self, family: str, server_id: str, data: bytes) -> None:
        async with redis.asyncio.from_url(self._redis_url) as client:
            await client.hset(family, server_id, data)
