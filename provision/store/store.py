"""The state of provisioning, opened: the one thing that a command needs of this package."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from provision.store import snapshots
from provision.store.address import FileAddress, parse_address
from provision.store.database import Database
from provision.store.lease import Lease
from provision.store.lock import OnWait, locked
from provision.store.lock_rows import Claim
from provision.store.postgres import open_postgres
from provision.store.process import Process, this_process
from provision.store.runs import Run, Runs, StepState
from provision.store.schema import prepare
from provision.store.snapshots import Snapshot, SnapshotInfo
from provision.store.sqlite import open_sqlite
from provision.store.times import LEASE_S, Clock, system_now


class Store:
    """An open store. Every method raises a StoreError when the database does not do it."""

    def __init__(self, database: Database, *, process: Process, lease_s: float, clock: Clock) -> None:
        self._database = database
        self._process = process
        self._lease_s = lease_s
        self._clock = clock
        self._runs = Runs(database, clock)

    @property
    def label(self) -> str:
        """Its path, or its address without secrets."""
        return self._database.label

    def lock(
        self, deployment: str, *, holder: str, wait_s: float, on_wait: OnWait | None = None
    ) -> AbstractAsyncContextManager[Lease]:
        """Hold a deployment for as long as the block lasts; call the lease's `check` before every write to a server.

        `holder` is what others are told. A lock that is held is waited for, up to `wait_s`; `on_wait` is told once who
        has it, and again when somebody else has. The lock of a process of this machine that is dead is taken at once;
        that of another machine's, when it was not renewed for a lease.

        Raises:
            LockHeldError: it was still held when the wait was over.
            LeaseLostError: by `check`, when the lock is another run's, or may be.
        """
        claim = Claim(
            deployment=deployment,
            token=uuid.uuid4().hex,
            holder=" ".join(holder.split()),  # it stands in messages of one line
            process=self._process,
            lease_s=self._lease_s,
        )
        return locked(self._database, claim, wait_s=wait_s, on_wait=on_wait, clock=self._clock)

    async def save_snapshot(
        self, deployment: str, observed: Mapping[str, Any], plan: Mapping[str, Any], reason: str
    ) -> SnapshotInfo:
        """Keep JSON values: what the servers have, and what is about to be done, for `reason`."""
        return await snapshots.save(
            self._database, deployment, observed=observed, plan=plan, reason=reason, clock=self._clock
        )

    async def snapshots(self, deployment: str) -> tuple[SnapshotInfo, ...]:
        """Return what snapshots there are, newest first."""
        return await snapshots.listed(self._database, deployment)

    async def snapshot(self, deployment: str, which: int | str) -> Snapshot:
        """Return a snapshot by its id, or the ``"last"``.

        Raises:
            SnapshotUnknownError: there is no such one; it names the newest.
            SnapshotDamagedError: what is stored is not what was saved.
        """
        return await snapshots.read(self._database, deployment, which)

    async def prune(self, keep: int = 50) -> int:
        """Forget all but the newest `keep` snapshots of each deployment; return how many that were."""
        return await snapshots.prune(self._database, keep=keep)

    async def begin_run(self, deployment: str, plan_checksum: str) -> int:
        """Remember that an apply begins, forget the one before, and return the new one's id."""
        return await self._runs.begin(deployment, plan_checksum)

    def note_step(self, run: int, index: int, state: StepState, key: str) -> None:
        """Remember how far a change is. Returns at once: it is written within a quarter of a second, with others.

        Notes that the database does not take are tried again and, at the latest when the store is closed, forgotten.
        """
        self._runs.note(run, index, state, key)

    async def end_run(self, run: int, outcome: str) -> None:
        """Remember how an apply ended, in words, and write every step that was noted."""
        await self._runs.end(run, outcome)

    async def last_run(self, deployment: str) -> Run | None:
        """Return the newest apply that is remembered. Ask before `begin_run`, which forgets it."""
        return await self._runs.last(deployment)

    async def close(self) -> None:
        """Write what is noted and close every connection."""
        try:
            await self._runs.close()
        finally:
            await self._database.close()


@asynccontextmanager
async def open_store(
    address: str | Path, *, lease_s: float = LEASE_S, process: Process | None = None, clock: Clock = system_now
) -> AsyncIterator[Store]:
    """Open the store at a file's path or a ``postgresql://`` URL, make it when there is none, and close it at the end.

    `process` is who asks for locks, this process unless told.

    Raises:
        StoreAddressError: the address is neither.
        StoreTooNewError: a newer dialroom made it.
        StoreDamagedError, StoreUnavailableError: it cannot be used; the text says what to do.
    """
    parsed = parse_address(address)
    if isinstance(parsed, FileAddress):
        database = await asyncio.to_thread(open_sqlite, parsed)
    else:
        database = await asyncio.to_thread(open_postgres, parsed)
    store = Store(database, process=process or this_process(), lease_s=lease_s, clock=clock)
    try:
        await prepare(database)
        yield store
    finally:
        await store.close()
