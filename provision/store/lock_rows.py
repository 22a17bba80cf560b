"""The lock of a deployment as one row. Taking, renewing and giving back are one statement each.

Whoever takes it writes a token of its own, so a holder that lost it never renews or removes its successor's.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, delete, false, or_, select, update

from provision.store.database import Database
from provision.store.errors import Held
from provision.store.process import Process
from provision.store.tables import locks
from provision.store.times import Now, Watch, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one run writes when it takes a lock."""

    deployment: str
    token: str
    holder: str
    process: Process
    lease_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """A lock as it was read; `beat` counts its renewals, and `now_s` is the clock that `expires_s` was written by."""

    claim: Claim
    beat: int
    since_s: float
    expires_s: float
    now_s: float

    @property
    def held(self) -> Held:
        """Return it as a person is told."""
        process = self.claim.process
        return Held(
            deployment=self.claim.deployment,
            holder=self.claim.holder,
            host=process.host,
            pid=process.pid,
            since=utc(self.since_s),
        )


Judgement = Literal["held", "over", "abandoned"]


def judge(row: LockRow, *, here: Process, watch: Watch, now: Now) -> Judgement:
    """Say whether somebody has the lock: ``over`` by its own clock, ``abandoned`` when only we know it.

    Pure but for asking whether a process of this machine is dead.
    """
    if row.now_s >= row.expires_s:
        return "over"
    if here.knows_dead(row.claim.process):
        return "abandoned"
    sign = (row.claim.token, row.beat)
    return "abandoned" if watch.still(sign, lease_s=row.claim.lease_s, now=now) else "held"


async def look(database: Database, deployment: str, now: Now) -> LockRow | None:
    """Read a lock, None when nobody has it."""

    def work(connection: Connection) -> LockRow | None:
        query = select(locks, database.now(now.wall_s).label("now_s")).where(locks.c.deployment == deployment)
        row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        process = Process(host=row["host"], machine=row["machine"], pid=row["pid"], started=row["started"])
        claim = Claim(
            deployment=deployment,
            token=row["token"],
            holder=row["holder"],
            process=process,
            lease_s=row["lease_s"],
        )
        return LockRow(
            claim=claim,
            beat=row["beat"],
            since_s=row["since_s"],
            expires_s=row["expires_s"],
            now_s=row["now_s"],
        )

    return await database.read(work)


async def take(database: Database, claim: Claim, now: Now, *, abandoned: LockRow | None = None) -> bool:
    """Take a lock that nobody has, that is over, or that is still exactly the `abandoned` one; return whether it is."""

    def work(connection: Connection) -> bool:
        now_s = database.now(now.wall_s)
        values = {
            "token": claim.token,
            "beat": 0,
            "holder": claim.holder,
            "host": claim.process.host,
            "machine": claim.process.machine,
            "pid": claim.process.pid,
            "started": claim.process.started,
            "since_s": now_s,
            "expires_s": now_s + claim.lease_s,
            "lease_s": claim.lease_s,
        }
        same: ColumnElement[bool] = false()
        if abandoned is not None:
            same = and_(locks.c.token == abandoned.claim.token, locks.c.beat == abandoned.beat)
        statement = (
            database.insert(locks)
            .values(deployment=claim.deployment, **values)
            .on_conflict_do_update(
                index_elements=[locks.c.deployment], set_=values, where=or_(locks.c.expires_s <= now_s, same)
            )
        )
        result = connection.execute(statement, execution_options={"preserve_rowcount": True})
        return result.rowcount == 1

    return await database.write(work)


async def renew(database: Database, claim: Claim, now: Now) -> bool:
    """Let a lease begin anew; return False when it is another run's."""

    def work(connection: Connection) -> bool:
        values = {"beat": locks.c.beat + 1, "expires_s": database.now(now.wall_s) + claim.lease_s}
        return connection.execute(update(locks).where(_own(claim)).values(values)).rowcount == 1

    return await database.write(work)


async def give_back(database: Database, claim: Claim) -> None:
    """Remove a lock, unless it is another run's."""

    def work(connection: Connection) -> None:
        connection.execute(delete(locks).where(_own(claim)))

    await database.write(work)


def _own(claim: Claim) -> ColumnElement[bool]:
    return and_(locks.c.deployment == claim.deployment, locks.c.token == claim.token)
