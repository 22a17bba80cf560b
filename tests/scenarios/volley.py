"""Sends INVITEs as they are written, from as many addresses as they name, and notes every response."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.scenarios.attacks import Attack

WATCHED_S: Final = 6.5
"""How long a call is watched after its last INVITE."""
_PAUSE_S: Final = 0.01
"""Between two datagrams: a socket's buffer shall not overflow."""
_REPEATS: Final = 3
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2}) ")
_HEADER = re.compile(rb"(?im)^(Call-ID|To|CSeq)\s*:\s*(.*?)\r?$")


@dataclass(eq=False)
class Shot:
    """One INVITE on its way, and the statuses that came for it."""

    attack: Attack
    call_id: str = field(default_factory=lambda: f"{secrets.token_hex(10)}@stranger")
    branch: str = field(default_factory=lambda: f"z9hG4bK{secrets.token_hex(8)}")
    statuses: list[int] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        """Whether anybody took the call."""
        return any(200 <= status < 300 for status in self.statuses)

    @property
    def is_judged(self) -> bool:
        """Whether the SIP node said anything, and not only that it could not ask."""
        return bool(self.statuses) and 503 not in self.statuses

    def __str__(self) -> str:
        attack = self.attack
        return f"{attack.family} ({attack.forged}) from {attack.source} to {attack.called}: {self.statuses}"


class _Socket(asyncio.DatagramProtocol):
    """One address of the attacker's."""

    def __init__(self, shots: dict[str, Shot]) -> None:
        self._shots = shots
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        self._transport.sendto(data, to)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        head = data.partition(b"\r\n\r\n")[0]
        status, headers = _STATUS.match(head), {name.lower(): value for name, value in _HEADER.findall(head)}
        shot = self._shots.get(headers.get(b"call-id", b"").decode(errors="replace"))
        if status is None or shot is None or b"INVITE" not in headers.get(b"cseq", b""):
            return
        shot.statuses.append(int(status[1]))
        to = headers.get(b"to", b"").decode(errors="replace")
        if int(status[1]) >= 200:
            self.send(shot.attack.ack(port=self.port, call_id=shot.call_id, branch=shot.branch, to=to), addr)
        if 200 <= int(status[1]) < 300:
            self.send(shot.attack.bye(port=self.port, call_id=shot.call_id, branch=shot.branch, to=to), addr)

    def close(self) -> None:
        self._transport.abort()


@dataclass(eq=False)
class Volley:
    """The sockets. `shots` has everything that was ever sent."""

    node: tuple[str, int]
    shots: dict[str, Shot] = field(default_factory=dict)
    _sockets: dict[str, _Socket] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def fire(self, attacks: Sequence[Attack]) -> list[Shot]:
        """Send, repeat what nobody has heard, and watch each for at least `WATCHED_S`."""
        shots = [Shot(attack) for attack in attacks]
        self.shots |= {shot.call_id: shot for shot in shots}
        for source in sorted({attack.source for attack in attacks}):
            await self._open(source)
        silent = shots
        for _ in range(_REPEATS):
            for shot in silent:
                self._send(shot)
                await asyncio.sleep(_PAUSE_S)
            await asyncio.sleep(0.5)
            silent = [shot for shot in shots if not shot.statuses]
        await asyncio.sleep(WATCHED_S)
        return shots

    async def judged(self, attacks: Sequence[Attack]) -> list[Shot]:
        """Like `fire`, and begin anew with those that the SIP node could not judge, as long as that helps."""
        shots = await self.fire(attacks)
        for _ in range(_REPEATS):
            left = [shot.attack for shot in shots if shot.attack.is_proper and not shot.is_judged]
            if not left:
                break
            again = await self.fire(left)
            shots = [shot for shot in shots if shot.is_judged or not shot.attack.is_proper] + again
        return shots

    def answered(self) -> list[str]:
        """Describe the calls that somebody took."""
        return [str(shot) for shot in self.shots.values() if shot.is_answered]

    async def _open(self, source: str) -> None:
        async with self._opening:
            if source not in self._sockets:
                loop = asyncio.get_running_loop()
                _, self._sockets[source] = await loop.create_datagram_endpoint(
                    lambda: _Socket(self.shots), local_addr=(source, 0)
                )

    def _send(self, shot: Shot) -> None:
        socket = self._sockets[shot.attack.source]
        socket.send(shot.attack.invite(port=socket.port, call_id=shot.call_id, branch=shot.branch), self.node)

    async def aclose(self) -> None:
        """Close the sockets."""
        for socket in self._sockets.values():
            socket.close()
        await asyncio.sleep(0)  # asyncio frees the ports in its next round


@asynccontextmanager
async def volley(node: str) -> AsyncIterator[Volley]:
    """Yield a volley at a SIP node, given as host:port."""
    host, _, port = node.rpartition(":")
    it = Volley((host, int(port)))
    try:
        yield it
    finally:
        await it.aclose()


def figures(shots: Iterable[Shot]) -> str:
    """Return how many calls there were by the last status of each."""
    counted = Counter(shot.statuses[-1] if shot.statuses else 0 for shot in shots)
    return ", ".join(f"{count} with {status or 'no word'}" for status, count in sorted(counted.items()))
