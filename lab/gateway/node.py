"""What all calls of the gateway share, and the calls that live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lab.gateway.config import GatewayConfig
from lab.gateway.media import MediaLeg
from lab.gateway.room import RoomLeg
from lab.gateway.transfer import transfer
from lab.media.clock import MediaClock
from lab.psrpc.client import PsrpcClient
from lab.psrpc.messages import SIP
from lab.psrpc.server import PsrpcServer
from lab.sip.endpoint import SipEndpoint
from lab.sip.leg import Call


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg: its LiveKit call id, its SIP side, its room side, its media."""

    call_id: str
    call: Call
    room: RoomLeg
    media: MediaLeg


@dataclass(kw_only=True, eq=False)
class Node:
    """One gateway process. `draining` takes no more outbound calls; `idle` is set while no call lives."""

    config: GatewayConfig
    endpoint: SipEndpoint
    clock: MediaClock
    io: PsrpcClient
    internal: PsrpcServer
    draining: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    legs: dict[str, Leg] = field(default_factory=dict)

    @asynccontextmanager
    async def live(self, leg: Leg) -> AsyncIterator[None]:
        """Serve transfers of a leg for as long as the block lasts."""
        self.legs[leg.call_id] = leg
        moves = transfer(leg.call)
        request = SIP["InternalTransferSIPParticipantRequest"]
        await self.internal.register("TransferSIPParticipant", request, moves, topic=leg.call_id)
        try:
            yield
        finally:
            self.legs.pop(leg.call_id, None)
            await self.internal.deregister("TransferSIPParticipant", topic=leg.call_id)

    async def hang_up_all(self) -> None:
        """End every call."""
        for leg in list(self.legs.values()):
            await leg.call.bye()
