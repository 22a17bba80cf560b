"""What the servers say, as the same values that are desired. Reads only, through two Protocols."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from provision.values import Credential, Key, Kind, OutboundTrunk, Value, key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An object on a server.

    `stamp` is the deployment that it belongs to, None when it is not ours. `server_id` is for whoever writes; a plan
    never holds it. `address` is the SIP host that the carrier has given a trunk, `refers` has the server ids of what it
    hangs on.
    """

    value: Value
    server_id: str
    stamp: str | None
    address: str = ""
    refers: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """How to find the object in the server's own console."""
        name = self.value.name or "without name"
        return f"{self.value.kind.value} {name}" + (f" ({self.server_id})" if self.server_id != name else "")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class OwnedNumber:
    """A number (E.164) of the carrier account. `blockers` says why it cannot take calls, in words; empty is good."""

    number: str
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that is there, ours or not, in any order."""

    objects: tuple[Seen, ...] = ()
    owned_numbers: tuple[OwnedNumber, ...] = ()

    def ours(self, deployment: str) -> tuple[Value, ...]:
        """Return the values stamped with a deployment."""
        return tuple(seen.value for seen in self.objects if seen.stamp == deployment)

    def addresses(self, deployment: str) -> dict[str, str]:
        """Return the SIP hosts of a deployment's outbound trunks at the carrier, by name."""
        ours = (seen for seen in self.objects if seen.stamp == deployment)
        return {seen.value.name: seen.address for seen in ours if seen.value.kind is Kind.CARRIER_OUTBOUND}

    def by_key(self, deployment: str) -> dict[Key, Seen]:
        """Return a deployment's objects by identity; of several with one identity, the one on which something hangs."""
        found: dict[Key, Seen] = {}
        for seen in self._by_use(deployment):
            found.setdefault(key_of(seen.value), seen)
        return found

    def extras(self, deployment: str) -> tuple[Seen, ...]:
        """Return the deployment's objects that `by_key` leaves out, in the order of their server ids."""
        kept = {id(seen) for seen in self.by_key(deployment).values()}
        return tuple(seen for seen in self._by_use(deployment) if id(seen) not in kept)

    def is_used(self, seen: Seen) -> bool:
        """Return whether something hangs on an object."""
        return (seen.value.kind.side, seen.server_id) in self._used()

    def _used(self) -> set[tuple[str, str]]:
        return {(seen.value.kind.side, known) for seen in self.objects for known in seen.refers}

    def _by_use(self, deployment: str) -> list[Seen]:
        ours = [seen for seen in self.objects if seen.stamp == deployment]
        if len({key_of(seen.value) for seen in ours}) == len(ours):
            return ours
        used = self._used()
        return sorted(ours, key=lambda seen: ((seen.value.kind.side, seen.server_id) not in used, seen.server_id))


class Reads(Protocol):
    """One server, read only: the carrier or LiveKit."""

    async def observe(self) -> Observed:
        """Return everything of our kinds that the server has."""
        ...


async def observe(carrier: Reads, livekit: Reads) -> Observed:
    """Read both servers at once.

    Raises:
        WorldError: one of them cannot be read; when both cannot, the carrier's error.
    """
    at_carrier, at_livekit = await asyncio.gather(carrier.observe(), livekit.observe(), return_exceptions=True)
    if isinstance(at_carrier, BaseException):
        raise at_carrier
    if isinstance(at_livekit, BaseException):
        raise at_livekit
    return Observed(
        objects=(*_with_fingerprints(at_carrier.objects, at_livekit.objects), *at_livekit.objects),
        owned_numbers=(*at_carrier.owned_numbers, *at_livekit.owned_numbers),
    )


def _with_fingerprints(carrier: Iterable[Seen], livekit: Iterable[Seen]) -> Iterator[Seen]:
    """Say of each credential which password LiveKit has for it: the carrier does not tell."""
    known: dict[tuple[str | None, str], str] = {}
    for seen in livekit:
        if isinstance(seen.value, OutboundTrunk):
            for owner in (seen.stamp, None):  # None: whoever's trunk uses the login
                known.setdefault((owner, seen.value.username), seen.value.fingerprint)
    for seen in carrier:
        if isinstance(seen.value, Credential):
            login = seen.value.name
            fingerprint = known.get((seen.stamp, login)) or known.get((None, login), "")
            yield replace(seen, value=replace(seen.value, fingerprint=fingerprint))
        else:
            yield seen
