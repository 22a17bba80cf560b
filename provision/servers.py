"""What a server has to offer to be provisioned, and the ids by which it knows its objects."""

from collections.abc import Mapping
from typing import Protocol

from provision.errors import NotAsPlannedError
from provision.observed import Observed, Reads
from provision.values import Key, Kind, Value, key_of


class Ids:
    """Server ids by key, known to whoever writes and to nobody else."""

    def __init__(self, observed: Observed, deployment: str) -> None:
        self._ids = {key: seen.server_id for key, seen in observed.by_key(deployment).items()}
        self.extras: dict[Key, list[str]] = {}
        """Second objects of the same identity, on which nothing hangs."""
        for seen in observed.extras(deployment):
            if not observed.is_used(seen):
                self.extras.setdefault(key_of(seen.value), []).append(seen.server_id)
        self.addresses = observed.addresses(deployment)
        """SIP hosts of our outbound trunks at the carrier, by name."""

    def __getitem__(self, key: Key) -> str:
        try:
            return self._ids[key]
        except KeyError:
            raise NotAsPlannedError(str(key), "it is not there") from None

    def names(self, kind: Kind) -> dict[str, str]:
        """Return the names of our objects of a kind, by server id."""
        return {known: key.name for key, known in self._ids.items() if key.kind is kind}

    def name(self, kind: Kind, server_id: str) -> str:
        """Return the name of an object of ours; an id that is not ours stays as it is."""
        return self.names(kind).get(server_id, server_id)

    def add(self, key: Key, server_id: str) -> None:
        """Remember an object that was created."""
        self._ids[key] = server_id

    def rename(self, old: Key, new: Key) -> None:
        """Know an object by another name."""
        self._ids[new] = self._ids.pop(old)

    def discard(self, key: Key) -> None:
        """Forget an object that was deleted."""
        self._ids.pop(key, None)


class Writes(Protocol):
    """One server: the carrier or LiveKit. Every method raises a WorldError when the server does not do it."""

    async def create(self, value: Value, ids: Ids) -> str:
        """Make an object, stamped, and return its server id."""
        ...

    async def update(self, server_id: str, old: Value, value: Value, ids: Ids) -> None:
        """Change what a value declares and keep the rest of the object."""
        ...

    async def delete(self, server_id: str, value: Value) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return an object as it is now, None when it is not there."""
        ...

    async def read_all(self, kind: Kind, ids: Ids) -> Mapping[str, Value]:
        """Return all objects of a kind, by server id: for reading back many at once."""
        ...


class Server(Reads, Writes, Protocol):
    """A server that can be read and written."""
