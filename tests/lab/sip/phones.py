"""Two endpoints on loopback, and what was on the wire between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lab.sip.call import IncomingCall, OutgoingCall
from lab.sip.endpoint import SipEndpoint
from lab.sip.faults import Datagram, Faults
from lab.sip.sdp import Sdp, answer, offer
from lab.sip.timers import Timers

QUICK = Timers(t1_s=0.05, t2_s=0.2, t4_s=0.2)
"""A tenth of the RFC's: 64*T1 is 3.2 s."""
STEADY = Timers()
"""The RFC's own: a busy machine causes no repetition, so that what is sent can be counted."""
LIMIT_S = 20.0
OFFER = offer("127.0.0.1", 4000).to_bytes()
ANSWER = answer(Sdp.parse(OFFER), "127.0.0.1", 5000).to_bytes()


@dataclass(eq=False)
class Phone:
    """An endpoint, what it sent, and the calls that it received."""

    sip: SipEndpoint
    sent: list[Datagram] = field(default_factory=list)
    received: asyncio.Queue[IncomingCall] = field(default_factory=asyncio.Queue)

    @property
    def faults(self) -> Faults:
        return self.sip.faults

    @property
    def uri(self) -> str:
        return f"sip:bob@{self.sip.address[0]}:{self.sip.address[1]}"

    def sent_methods(self) -> list[str]:
        """The methods of the requests that left, repetitions too."""
        return [datagram.method for datagram in self.sent if datagram.status is None]

    def sent_statuses(self, method: str = "INVITE") -> list[int]:
        """The statuses of the responses that left."""
        return [d.status for d in self.sent if d.status is not None and d.method == method]

    def dial(self, other: Phone, **more: object) -> OutgoingCall:
        """Begin a call to the other phone."""
        given = {"from_uri": "sip:alice@127.0.0.1", "sdp": OFFER} | more
        return self.sip.invite(other.uri, **given)  # type: ignore[arg-type]


@asynccontextmanager
async def phone(
    timers: Timers = STEADY, on_invite: Callable[[IncomingCall], Awaitable[None]] | None = None
) -> AsyncIterator[Phone]:
    """Yield a phone; unless it is told what to do with a call it only puts it into `received`."""
    async with SipEndpoint(user_agent="test", timers=timers) as sip:
        it = Phone(sip)

        async def keep(call: IncomingCall) -> None:
            await it.received.put(call)

        sip.on_invite = on_invite or keep
        sip.tap = lambda way, data, address, _at: it.sent.append(Datagram(way, data, address)) if way == "out" else None
        yield it


@asynccontextmanager
async def two_phones(timers: Timers = STEADY) -> AsyncIterator[tuple[Phone, Phone]]:
    """Yield a caller and a callee."""
    async with asyncio.timeout(LIMIT_S), phone(timers) as alice, phone(timers) as bob:
        yield alice, bob


@asynccontextmanager
async def talking(timers: Timers = STEADY) -> AsyncIterator[tuple[Phone, OutgoingCall, Phone, IncomingCall]]:
    """Yield two phones in an established call."""
    async with two_phones(timers) as (alice, bob):
        outgoing = alice.dial(bob)
        incoming = await bob.received.get()
        assert await incoming.answer(ANSWER)
        await outgoing.answered()
        yield alice, outgoing, bob, incoming


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that datagrams bring about; the phones' own limit ends it."""
    while not condition():
        await asyncio.sleep(0.005)
