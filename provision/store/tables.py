"""The tables, the same in both databases. Times are seconds since 1970."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, CursorResult, Double, Index, Integer, LargeBinary, MetaData, Table, Text

VERSION: Final = 1
METADATA: Final = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")
"""What SQLite counts up by itself has to be called INTEGER."""

version = Table("dialroom_version", METADATA, Column("version", Integer, nullable=False))

locks = Table(
    "dialroom_locks",
    METADATA,
    Column("deployment", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started", Text, nullable=False),
    Column("since_s", Double, nullable=False),
    Column("expires_s", Double, nullable=False),
    Column("lease_s", Double, nullable=False),
)

snapshots = Table(
    "dialroom_snapshots",
    METADATA,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("deployment", Text, nullable=False),
    Column("taken_s", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("dialroom_snapshots_of", "deployment", "id"),
    sqlite_autoincrement=True,  # the id of a snapshot that was pruned is nobody's any more
)

runs = Table(
    "dialroom_runs",
    METADATA,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("deployment", Text, nullable=False),
    Column("plan_checksum", Text, nullable=False),
    Column("begun_s", Double, nullable=False),
    Column("ended_s", Double),
    Column("outcome", Text),
    Index("dialroom_runs_of", "deployment", "id"),
    sqlite_autoincrement=True,
)

steps = Table(
    "dialroom_steps",
    METADATA,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("key", Text, nullable=False),
)


def new_id(result: CursorResult[Any]) -> int:
    """Return the id that the database gave to the one row that was inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])
