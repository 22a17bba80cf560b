"""What all calls of the gateway share, and the calls that live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lab.gateway.config import GatewayConfig
from lab.gateway.headers import headers_from
from lab.gateway.media import MediaLeg
from lab.gateway.room import RoomLeg
from lab.gateway.transfer import transfer
from lab.media.clock import MediaClock
from lab.psrpc.client import PsrpcClient
from lab.psrpc.messages import SIP
from lab.psrpc.server import PsrpcServer
from lab.sip.endpoint import SipEndpoint
from lab.sip.leg import Call

CANCEL_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg: its LiveKit call id, its SIP side, its room side, its media, and which attributes become headers."""

    call_id: str
    call: Call
    room: RoomLeg
    media: MediaLeg
    attributes_to_headers: Mapping[str, str]

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of a 200, a BYE or a REFER of this leg as its attributes stand now."""
        return headers_from(self.room.attributes, self.attributes_to_headers)


@dataclass(kw_only=True, eq=False)
class Node:
    """One gateway process. `draining` takes no more outbound calls; `calls` are the tasks of all, ringing ones too."""

    config: GatewayConfig
    endpoint: SipEndpoint
    clock: MediaClock
    io: PsrpcClient
    internal: PsrpcServer
    draining: bool = False
    calls: set[asyncio.Task[None]] = field(default_factory=set)
    legs: dict[str, Leg] = field(default_factory=dict)

    @asynccontextmanager
    async def live(self, leg: Leg) -> AsyncIterator[None]:
        """Serve transfers of a leg for as long as the block lasts."""
        self.legs[leg.call_id] = leg
        moves = transfer(leg.call, leg.headers)
        request = SIP["InternalTransferSIPParticipantRequest"]
        await self.internal.register("TransferSIPParticipant", request, moves, topic=leg.call_id)
        try:
            yield
        finally:
            self.legs.pop(leg.call_id, None)
            await self.internal.deregister("TransferSIPParticipant", topic=leg.call_id)

    async def hang_up_all(self) -> None:
        """End every call: BYE where it is answered, else CANCEL or a refusal. Waits until all of it is done."""
        await asyncio.gather(*(leg.call.bye(leg.headers()) for leg in list(self.legs.values())))
        left = set(self.calls)
        while left:
            for task in left:  # again: redis-py's `asyncio.wait_for` may swallow it (before Python 3.12)
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
