"""Callers who do not know that a number moves: one every so often, each answered by whoever has the number then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from lab.sip import sdp
from lab.sip.call import CallRejected, IncomingCall, OutgoingCall
from lab.sip.endpoint import SipEndpoint

Route = Literal["agent", "sip", "stream"]
EVERY_S: Final = 0.5
HELD_S: Final = 0.3
GIVEN_UP_S: Final = 150.0
CALLER_HOST: Final = "127.0.0.1"
PBX_HOST: Final = "127.0.0.77"
STREAM_HOST: Final = "127.0.0.9"
"""The carrier's own address, where it answers calls of applications itself."""


@dataclass(kw_only=True, eq=False)
class Visit:
    """One call. It was routed at some time between `begun_s` and `decided_s` (time.monotonic).

    `status` is the final one, None as long as there is none; `route` is where it was answered.
    """

    begun_s: float
    decided_s: float = float("inf")
    status: int | None = None
    route: Route | None = None

    def __str__(self) -> str:
        return f"{self.begun_s:.3f}-{self.decided_s:.3f} s: {self.status} {self.route or ''}".strip()


@dataclass(eq=False)
class Traffic:
    """Calls to one number by way of the carrier."""

    sip: SipEndpoint
    carrier: tuple[str, int]
    number: str
    visits: list[Visit] = field(default_factory=list)
    _calls: set[asyncio.Task[None]] = field(default_factory=set)

    async def flow(self) -> None:
        """Call for ever."""
        while True:
            visit = Visit(begun_s=time.monotonic())
            self.visits.append(visit)
            task = asyncio.create_task(self._call(visit))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
            await asyncio.sleep(EVERY_S)

    async def more(self, count: int) -> None:
        """Wait until so many calls that begin from now on are decided."""
        before = len(self.visits)
        while sum(visit.status is not None for visit in self.visits[before:]) < count:
            await asyncio.sleep(0.05)

    async def done(self) -> None:
        """Wait until every call is over."""
        while self._calls:
            await asyncio.gather(*self._calls)

    async def _call(self, visit: Visit) -> None:
        host, port = self.carrier
        call = self.sip.invite(
            f"sip:{self.number}@{host}:{port}",
            from_uri=f"sip:+9198{len(self.visits):08}@{CALLER_HOST}",
            sdp=sdp.offer(CALLER_HOST, 40_000, codecs=("PCMU",)).to_bytes(),
        )
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                await call.answered()
        except CallRejected as refused:
            visit.status = refused.status
        except TimeoutError:
            visit.status = 408
            await call.cancel()
        else:
            visit.status, visit.route = 200, _answerer(call)
        visit.decided_s = next((step.at_s for step in call.progress if step.status > 100), time.monotonic())
        await asyncio.sleep(HELD_S)
        if call.state == "established":
            await call.bye()


def _answerer(call: OutgoingCall) -> Route:
    address = sdp.Sdp.parse(call.remote_sdp).address
    return "sip" if address == PBX_HOST else "stream" if address == STREAM_HOST else "agent"


@asynccontextmanager
async def traffic(carrier: str, number: str) -> AsyncIterator[Traffic]:
    """Let calls flow for as long as the block lasts; leaving it waits for the last one."""
    host, _, port = carrier.rpartition(":")
    async with SipEndpoint(CALLER_HOST, user_agent="telephone") as sip:
        it = Traffic(sip, (host, int(port)), number)
        flowing = asyncio.create_task(it.flow())
        try:
            yield it
        finally:
            flowing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flowing
            await it.done()


@asynccontextmanager
async def pbx() -> AsyncIterator[str]:
    """Serve another platform that takes every call; yields its host:port."""
    async with SipEndpoint(PBX_HOST, user_agent="pbx") as sip:

        async def take(call: IncomingCall) -> None:
            await call.ringing()
            agreed = sdp.answer(sdp.Sdp.parse(call.remote_sdp), PBX_HOST, 40_002, prefer=("PCMU",))
            await call.answer(agreed.to_bytes())

        sip.on_invite = take
        yield f"{sip.address[0]}:{sip.address[1]}"


def refused(visits: list[Visit], is_within: Callable[[float], bool]) -> list[Visit]:
    """Return the calls that nobody took, of those that began then."""
    return [visit for visit in visits if visit.status != 200 and is_within(visit.begun_s)]
