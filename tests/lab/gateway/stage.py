"""One test's trunks, rules, rooms and telephone around one SIP node."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration
from livekit import api

from lab.servers.livekit import LiveKit
from lab.servers.sip_node import SipNode
from tests.lab.gateway.room_side import RoomSide, in_room
from tests.lab.gateway.telephone import Telephone, telephone

_count = itertools.count(100_001)
LOOPBACK = ["127.0.0.0/8"]


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number that leads into a room."""

    number: str
    room: str
    trunk_id: str
    rule_id: str


@dataclass(eq=False, kw_only=True)
class Stage:
    """What a test stands on. Everything that it makes is deleted at the end."""

    node: SipNode
    livekit: LiveKit
    api: api.LiveKitAPI
    phone: Telephone
    exits: AsyncExitStack
    rooms: list[str] = field(default_factory=list)

    def new_room(self) -> str:
        name = f"room-{next(_count)}"
        self.rooms.append(name)
        return name

    async def number(self, *, allowed: list[str] | None = None, pin: str = "", **trunk: Any) -> Number:
        """Make an inbound trunk and a rule that leads its number into a new room. `trunk` are further fields of it."""
        number, room = f"+91807{next(_count):07}", self.new_room()
        info = api.SIPInboundTrunkInfo(name="test", numbers=[number], allowed_addresses=allowed or LOOPBACK, **trunk)
        made = await self.api.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        self._delete_trunk(made.sip_trunk_id)
        direct = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=room, pin=pin))
        rule = await self.api.sip.create_dispatch_rule(
            api.CreateSIPDispatchRuleRequest(
                dispatch_rule=api.SIPDispatchRuleInfo(
                    rule=direct, trunk_ids=[made.sip_trunk_id], attributes={"line": "front"}, metadata="from the rule"
                )
            )
        )
        rule_id = rule.sip_dispatch_rule_id
        self.exits.push_async_callback(
            self.api.sip.delete_dispatch_rule, api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id)
        )
        return Number(number=number, room=room, trunk_id=made.sip_trunk_id, rule_id=rule_id)

    async def outbound_trunk(self, **trunk: Any) -> str:
        """Make an outbound trunk that leads to the telephone; return its id."""
        info = api.SIPOutboundTrunkInfo(
            name="test", **({"address": self.phone.address, "numbers": ["+918071000009"]} | trunk)
        )
        made = await self.api.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
        self._delete_trunk(made.sip_trunk_id)
        return str(made.sip_trunk_id)

    async def agent(self, room: str, *, identity: str = "agent", speaks: bool = True) -> RoomSide:
        """Bring an agent into a room until the end of the test."""
        return await self.exits.enter_async_context(in_room(self.livekit, room, identity=identity, speaks=speaks))

    async def create(self, room: str, trunk_id: str, *, wait: bool = True, ring_s: int = 15, **more: Any) -> Any:
        """Dial the telephone into a room (CreateSIPParticipant). Raises ServerError or SipCallError."""
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk_id,
            sip_call_to="+919898989898",
            room_name=room,
            participant_identity="human",
            wait_until_answered=wait,
            ringing_timeout=Duration(seconds=ring_s),
            **more,
        )
        return await self.api.sip.create_sip_participant(request)

    async def transfer(self, room: str, identity: str, to: str, *, ring_s: int = 15, **more: Any) -> None:
        """Ask for a blind transfer. Raises ServerError or SipCallError."""
        request = api.TransferSIPParticipantRequest(
            participant_identity=identity,
            room_name=room,
            transfer_to=to,
            ringing_timeout=Duration(seconds=ring_s),
            **more,
        )
        await self.api.sip.transfer_sip_participant(request)

    async def remove(self, room: str, identity: str) -> None:
        await self.api.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))

    async def room_names(self) -> list[str]:
        listed = await self.api.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in listed.rooms]

    def _delete_trunk(self, trunk_id: str) -> None:
        self.exits.push_async_callback(self.api.sip.delete_trunk, api.DeleteSIPTrunkRequest(sip_trunk_id=trunk_id))


@asynccontextmanager
async def new_stage(node: SipNode, livekit: LiveKit) -> AsyncIterator[Stage]:
    """Yield a stage around a node."""
    async with AsyncExitStack() as exits:
        client = api.LiveKitAPI(livekit.http_url, livekit.api_key, livekit.api_secret)
        exits.push_async_callback(client.aclose)
        inner = await exits.enter_async_context(AsyncExitStack())
        phone = await exits.enter_async_context(telephone(node.address))
        stage = Stage(node=node, livekit=livekit, api=client, phone=phone, exits=inner)
        try:
            yield stage
        finally:
            for name in await stage.room_names():
                if name in stage.rooms:
                    await client.room.delete_room(api.DeleteRoomRequest(room=name))
