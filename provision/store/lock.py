"""One holder per deployment: wait, hold, renew, give back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from provision.store import lock_rows
from provision.store.database import Database
from provision.store.errors import Held, LockHeldError, StoreDamagedError, StoreError
from provision.store.lease import Lease
from provision.store.lock_rows import Claim, judge
from provision.store.times import Clock, Now, Watch

OnWait = Callable[[Held], None]

LOOK_EVERY_S: Final = 0.5
_RENEWALS: Final = 3
"""How many renewals a lease has time for."""
_RETRIES: Final = 15
"""The same, while the database does not answer."""


@asynccontextmanager
async def locked(
    database: Database, claim: Claim, *, wait_s: float, on_wait: OnWait | None, clock: Clock
) -> AsyncIterator[Lease]:
    """Hold a lock for as long as the block lasts. See `Store.lock`."""
    try:
        begun = await _taken(database, claim, wait_s=wait_s, on_wait=on_wait, clock=clock)
        lease = Lease(claim.deployment, begun=begun, lease_s=claim.lease_s, clock=clock)
        async with _renewed(database, claim, lease, clock):
            yield lease
    finally:
        # Also after a cancelled attempt, which may have succeeded. Out of reach, the lease runs out by itself.
        with suppress(StoreError):
            await lock_rows.give_back(database, claim)


async def _taken(database: Database, claim: Claim, *, wait_s: float, on_wait: OnWait | None, clock: Clock) -> Now:
    """Take the lock and return the moment before it was asked for."""
    give_up_s = clock().steady_s + wait_s
    watch = Watch()
    told = ""
    while True:
        row = await lock_rows.look(database, claim.deployment, clock())
        judgement = judge(row, here=claim.process, watch=watch, now=clock()) if row else "over"
        if row is None or judgement != "held":
            begun = clock()
            if await lock_rows.take(database, claim, begun, abandoned=row if judgement == "abandoned" else None):
                return begun
            continue  # another run was faster: look whose it is
        left_s = give_up_s - clock().steady_s
        if left_s <= 0:
            raise LockHeldError(row.held, lease_s=row.claim.lease_s)
        if on_wait is not None and row.claim.token != told:
            told = row.claim.token
            on_wait(row.held)
        await asyncio.sleep(min(LOOK_EVERY_S, left_s))


@asynccontextmanager
async def _renewed(database: Database, claim: Claim, lease: Lease, clock: Clock) -> AsyncIterator[None]:
    heart = asyncio.create_task(_beat(database, claim, lease, clock), name=f"lease of {claim.deployment}")
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.wait([heart])
        if not heart.cancelled():
            heart.result()


async def _beat(database: Database, claim: Claim, lease: Lease, clock: Clock) -> None:
    """Renew a lease until it is another run's. While the database is away, try more often."""
    pause_s = claim.lease_s / _RENEWALS
    while True:
        await asyncio.sleep(pause_s)
        begun = clock()
        try:
            if not await lock_rows.renew(database, claim, begun):
                lease.lose(await _loss(database, claim, begun))
                return
        except StoreDamagedError as error:
            lease.lose(str(error))
            return
        except StoreError as error:
            lease.not_renewed(str(error))
            pause_s = claim.lease_s / _RETRIES
        else:
            lease.renewed(begun)
            pause_s = claim.lease_s / _RENEWALS


async def _loss(database: Database, claim: Claim, now: Now) -> str:
    row = await lock_rows.look(database, claim.deployment, now)
    return f"it is now held by {row.held}" if row else "somebody removed it"
