"""Seats through the listening port: whatever happens in whatever order, the health tells what a list of events says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from stream.server import Limits
from stream.socket import SocketLimits
from tests.stream.door import Door, Echo, Wire, door, start_frame

SEATS, CALLS, STEPS = 3, 6, 60
PATIENT = Limits(socket=SocketLimits(stop_s=600), socket_wait_s=600, reconnect_wait_s=600)
"""Nothing happens by itself."""


@dataclass
class Known:
    """A call as the test knows it. `echo` is there when it had a socket."""

    url: str
    wire: Wire | None = None
    echo: Echo | None = None
    streams: list[str] = field(default_factory=list)
    is_stopped: bool = False


class Erratic:
    """A carrier that does one thing after another with a few calls."""

    def __init__(self, at: Door, rnd: random.Random) -> None:
        self.at, self.rnd = at, rnd
        self.known: dict[str, Known] = {}
        self.over: dict[str, str] = {}
        self.done: list[str] = []

    async def step(self) -> None:
        call = f"call-{self.rnd.randrange(CALLS)}"
        does = self.rnd.choice([self.answer, self.answer, self.open, self.replay, self.lose, self.stop, self.finish])
        self.done.append(f"{does.__name__} {call}")
        await does(call)
        talking = sum(known.wire is not None for known in self.known.values())
        waiting = sum(not known.streams for known in self.known.values())
        told = {"talking": talking, "waiting": waiting, "lost": len(self.known) - talking - waiting, "sockets": talking}
        try:
            await self.at.until(calls=len(self.known), free=SEATS - len(self.known), **told)
        except TimeoutError:
            pytest.fail(f"{self.at.health()} is not {told} after {self.done}")

    async def answer(self, call: str) -> None:
        first = (await self.at.document("answer", call))[0]
        if call in self.known:
            assert first.text == self.known[call].url
        elif call in self.over:
            assert first.name == "Hangup"
        elif len(self.known) == SEATS:
            assert first.name == "Speak"
        else:
            self.known[call] = Known(first.text)

    async def open(self, call: str) -> None:
        known = self.known.get(call)
        if known is None:
            if call in self.over:
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await self.at.http.ws_connect(self.over[call])
            return
        before, known.wire = known.wire, await self.at.open(known.url, call)
        if known.is_stopped:
            assert await known.wire.get() == {"event": "stop"}
        else:
            await known.wire.echoed(b"\x01" * 160)
            known.echo = next(echo for echo in self.at.conversations if echo.line.call.call_id == call)
        known.streams.append(known.wire.stream_id)
        if before is not None:
            await before.closed()

    async def replay(self, call: str) -> None:
        known = self.known.get(call)
        if known is not None and known.streams:
            ws = await self.at.http.ws_connect(known.url)
            wire = Wire(ws, call)
            await wire.send(start_frame(call, self.rnd.choice(known.streams)))
            assert await wire.closed() == 1008

    async def lose(self, call: str) -> None:
        known = self.known.get(call)
        if known is not None and known.wire is not None:
            await known.wire.ws.close()
            known.wire = None

    async def stop(self, call: str) -> None:
        known = self.known.get(call)
        if known is not None and known.echo is not None and not known.is_stopped:
            known.echo.line.stop()
            known.is_stopped = True
            if known.wire is not None:
                assert await known.wire.get() == {"event": "stop"}

    async def finish(self, call: str) -> None:
        known = self.known.get(call)
        if self.rnd.random() < 0.5:
            await self.at.hung_up(call)
        else:
            first = (await self.at.document("after", call))[0]
            assert first.name == ("Speak" if known is not None and not known.streams else "Hangup")
            if known is None or known.is_stopped:
                return
        if known is not None:
            del self.known[call]
            self.over[call] = known.url
            if known.wire is not None:
                await known.wire.closed()
        else:
            self.over.setdefault(call, f"{self.at.url}/vobiz/socket/none")


@pytest.mark.parametrize("seed", range(12))
async def test_seats_are_exact_in_every_order(tmp_path: Path, seed: int) -> None:
    """Answers, sockets, recorded starts, losses, stops and ends, each at any time."""
    async with door(tmp_path, signed=False, limits=PATIENT, MAX_CALLS=str(SEATS)) as at:
        carrier = Erratic(at, random.Random(seed))
        for _ in range(STEPS):
            await carrier.step()
        told = at.health()
        assert told["broken_frames"] == 0
        for call in list(carrier.known):
            await at.hung_up(call)
        await at.until(calls=0, conversations=0, sockets=0, free=SEATS)
