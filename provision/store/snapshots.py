"""What the servers had, and what was planned, before something was changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from provision.store.content import ContentError, Packed, pack, unpack
from provision.store.database import Database
from provision.store.errors import SnapshotDamagedError, SnapshotUnknownError
from provision.store.tables import new_id, snapshots
from provision.store.times import Clock, utc

LAST: Final = "last"
_LONGEST_ID: Final = 18
_TOLD: Final = 5
"""How many ids an error names."""
_ABOUT: Final = (snapshots.c.id, snapshots.c.taken_s, snapshots.c.reason, snapshots.c.checksum)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """A snapshot without its content; `checksum` is the sha256 of that, as JSON text."""

    id: int
    taken_at: datetime
    reason: str
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot; both are the JSON values that were saved."""

    info: SnapshotInfo
    observed: dict[str, Any]
    plan: dict[str, Any]


async def save(
    database: Database,
    deployment: str,
    *,
    observed: Mapping[str, Any],
    plan: Mapping[str, Any],
    reason: str,
    clock: Clock,
) -> SnapshotInfo:
    """See `Store.save_snapshot`."""
    packed = await asyncio.to_thread(pack, {"observed": observed, "plan": plan})
    taken_s = clock().wall_s

    def work(connection: Connection) -> int:
        row = {
            "deployment": deployment,
            "taken_s": taken_s,
            "reason": reason,
            "checksum": packed.checksum,
            "content": packed.data,
        }
        return new_id(connection.execute(insert(snapshots).values(row)))

    snapshot_id = await database.write(work)
    return SnapshotInfo(id=snapshot_id, taken_at=utc(taken_s), reason=reason, checksum=packed.checksum)


async def listed(database: Database, deployment: str) -> tuple[SnapshotInfo, ...]:
    """See `Store.snapshots`."""

    def work(connection: Connection) -> tuple[SnapshotInfo, ...]:
        query = select(*_ABOUT).where(snapshots.c.deployment == deployment).order_by(snapshots.c.id.desc())
        return tuple(_info(row) for row in connection.execute(query).mappings())

    return await database.read(work)


async def read(database: Database, deployment: str, which: int | str) -> Snapshot:
    """See `Store.snapshot`."""
    snapshot_id = _id(which)

    def work(connection: Connection) -> tuple[RowMapping | None, list[int]]:
        own = snapshots.c.deployment == deployment
        ids = select(snapshots.c.id).where(own).order_by(snapshots.c.id.desc()).limit(_TOLD + 1)
        newest = list(connection.execute(ids).scalars())
        wanted = newest[0] if which == LAST and newest else snapshot_id
        query = select(*_ABOUT, snapshots.c.content).where(own, snapshots.c.id == wanted)
        return connection.execute(query).mappings().one_or_none(), newest

    row, newest = await database.read(work)
    if row is None:
        raise SnapshotUnknownError(deployment, which, newest=newest[:_TOLD])
    info = _info(row)
    try:
        fields = await asyncio.to_thread(unpack, Packed(row["content"], info.checksum))
    except ContentError as error:
        others = [other for other in newest if other != info.id][:_TOLD]
        raise SnapshotDamagedError(database.label, info.id, str(error), others=others) from None
    return Snapshot(info=info, observed=fields["observed"], plan=fields["plan"])


async def prune(database: Database, *, keep: int) -> int:
    """See `Store.prune`."""
    if keep < 1:
        raise ValueError("the newest snapshot is always kept")

    def work(connection: Connection) -> int:
        age = func.row_number().over(partition_by=snapshots.c.deployment, order_by=snapshots.c.id.desc())
        aged = select(snapshots.c.id, age.label("age")).subquery()
        old = select(aged.c.id).where(aged.c.age > keep)
        return connection.execute(delete(snapshots).where(snapshots.c.id.in_(old))).rowcount

    return await database.write(work)


def _id(which: int | str) -> int:
    """Return an id, 0 for what cannot be one."""
    text = str(which)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID else 0


def _info(row: RowMapping) -> SnapshotInfo:
    return SnapshotInfo(id=row["id"], taken_at=utc(row["taken_s"]), reason=row["reason"], checksum=row["checksum"])
