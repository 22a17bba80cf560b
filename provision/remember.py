"""What surrounds the writes of an apply: the lock, a snapshot of what was there, and how far the run is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.changes import Change, value_from_dict
from provision.observed import Observed, OwnedNumber, Seen
from provision.plan import Plan
from provision.servers import Ids, Server
from provision.values import Kind, Value
from telephony.errors import DialroomError

if TYPE_CHECKING:
    from provision.store.errors import Held
    from provision.store.snapshots import SnapshotInfo
    from provision.store.store import Store

LOCK_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the state is (a path or a ``postgresql://`` URL), who asks for the lock, and who is told of waiting."""

    address: str | Path
    holder: str
    wait_s: float = LOCK_WAIT_S
    on_wait: Callable[[Held], None] | None = None


class Session:
    """The lock of one deployment, held. Without a store nothing is locked and nothing is remembered."""

    def __init__(self, store: Store | None = None, check: Callable[[], None] | None = None) -> None:
        self._store = store
        self._check = check or (lambda: None)
        self._run: int | None = None

    def check(self) -> None:
        """Raise LeaseLostError when the lock is not ours any more."""
        self._check()

    def guarded(self, server: Server) -> Server:
        """Return the server, such that every write makes sure first that the lock is still ours."""
        return _Guarded(server, self._check)

    async def begin(self, plan: Plan, observed: Observed, *, reason: str, checksum: str) -> None:
        """Keep what is there, before the first write."""
        if self._store is not None:
            await self._store.save_snapshot(plan.deployment, observed_to_dict(observed), plan.to_dict(), reason)
            await self._store.prune()
            self._run = await self._store.begin_run(plan.deployment, checksum)

    def done(self, position: int, change: Change) -> None:
        """Note that a change is made."""
        if self._store is not None and self._run is not None:
            self._store.note_step(self._run, position, "done", str(change.key))

    async def end(self, outcome: str) -> None:
        """Note how the run ended."""
        if self._store is not None and self._run is not None:
            await self._store.end_run(self._run, outcome)


class _Guarded:
    """A server whose writes ask for leave first."""

    def __init__(self, server: Server, check: Callable[[], None]) -> None:
        self._server = server
        self._check = check
        self.observe = server.observe
        self.read = server.read
        self.read_all = server.read_all

    async def create(self, value: Value, ids: Ids) -> str:
        self._check()
        return await self._server.create(value, ids)

    async def update(self, server_id: str, old: Value, value: Value, ids: Ids) -> None:
        self._check()
        await self._server.update(server_id, old, value, ids)

    async def delete(self, server_id: str, value: Value) -> None:
        self._check()
        await self._server.delete(server_id, value)


@asynccontextmanager
async def session(state: State | None, deployment: str) -> AsyncIterator[Session]:
    """Hold the deployment's lock for as long as the block lasts.

    Raises:
        LockHeldError: another run has it. StoreError: the state cannot be used. UserError: its address is neither.
    """
    if state is None:
        yield Session()
        return
    from provision.store.store import open_store

    async with (
        open_store(state.address) as store,
        store.lock(deployment, holder=state.holder, wait_s=state.wait_s, on_wait=state.on_wait) as lease,
    ):
        yield Session(store, lease.check)


async def snapshots(state: State, deployment: str) -> tuple[SnapshotInfo, ...]:
    """Return what can be rolled back to, newest first. Raises what `session` does."""
    from provision.store.store import open_store

    async with open_store(state.address) as store:
        return await store.snapshots(deployment)


async def snapshot(state: State, deployment: str, which: int | str) -> tuple[SnapshotInfo, Observed]:
    """Return what was there before an apply; `which` is an id or ``"last"``. Raises what `session` does."""
    from provision.store.store import open_store

    async with open_store(state.address) as store:
        found = await store.snapshot(deployment, which)
        return found.info, observed_from_dict(found.observed)


@asynccontextmanager
async def run_of(session: Session) -> AsyncIterator[None]:
    """Note how the block ended."""
    try:
        yield
    except DialroomError as error:
        await session.end(f"failed: {error}")
        raise
    await session.end("done")


def observed_to_dict(observed: Observed) -> dict[str, Any]:
    """Return everything that was observed as JSON values."""
    return {
        "objects": [
            {
                "kind": seen.value.kind.name.lower(),
                "value": asdict(seen.value),
                "server_id": seen.server_id,
                "stamp": seen.stamp,
                "address": seen.address,
                "refers": sorted(seen.refers),
            }
            for seen in observed.objects
        ],
        "numbers": [asdict(number) for number in observed.owned_numbers],
    }


def observed_from_dict(fields: Mapping[str, Any]) -> Observed:
    """Read what `observed_to_dict` made. Raises KeyError, TypeError, ValueError when it did not."""
    return Observed(
        objects=tuple(
            Seen(
                value=value_from_dict(Kind[row["kind"].upper()], row["value"]),
                server_id=row["server_id"],
                stamp=row["stamp"],
                address=row["address"],
                refers=frozenset(row["refers"]),
            )
            for row in fields["objects"]
        ),
        owned_numbers=tuple(
            OwnedNumber(number=row["number"], blockers=tuple(row["blockers"])) for row in fields["numbers"]
        ),
    )
