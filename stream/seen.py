"""What may come only once: remembered by all processes and over restarts, as digests that nobody can read back."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, Double, Index, MetaData, Table, Text, delete, inspect, select, text, tuple_

from stream.database import Database, open_database

FORGOTTEN_AT_ONCE: Final = 500
"""Old rows that one call deletes, at most: nobody waits long for a clean-up."""
_MAKING: Final = 0x6469616C7365656E
"""Key of the advisory lock under which the table is made: PostgreSQL's CREATE TABLE loses a race with an error."""

_METADATA: Final = MetaData()
_seen: Final = Table(
    "dialroom_seen",
    _METADATA,
    Column("kind", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("expires_s", Double, nullable=False),
    Index("dialroom_seen_expiry", "expires_s"),
)


class Seen:
    """Values that were seen, by kind. One that cannot ask its database lets nothing pass: it raises."""

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def first_time(self, kind: str, value: str, *, keep_s: float) -> bool:
        """Remember a value for `keep_s` seconds; return whether it was not remembered before.

        Of many that ask at once, in whatever process or on whatever machine, exactly one is the first. What is
        remembered is a SHA-256: give it nothing that can be guessed from that, such as a phone number.

        Raises:
            SeenUnavailableError: nobody knows.
            ValueError: it would be forgotten at once.
        """
        if not keep_s > 0:
            raise ValueError("what was seen must be remembered for some time")
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        now_s = self._clock()

        def work(connection: Connection) -> bool:
            is_first = _remember(connection, self._database, kind, digest, now_s=now_s, keep_s=keep_s)
            _forget(connection, self._database, now_s=now_s)
            return is_first

        return await asyncio.to_thread(self._database.transact, work)


@asynccontextmanager
async def open_seen(address: str | Path, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Seen]:
    """Open what was seen, and close it at the end: a file, or ``postgresql://user:password@host/database``.

    A file's times are the `clock`'s, seconds since 1970; a PostgreSQL's are its own, the same for all machines.

    Raises:
        SeenAddressError: the address is neither.
        SeenUnavailableError: it cannot be used.
    """
    database = await asyncio.to_thread(open_database, address)
    try:
        await asyncio.to_thread(database.transact, _make)
        yield Seen(database, clock=clock)
    finally:
        await asyncio.to_thread(database.engine.dispose)


def _make(connection: Connection) -> None:
    if inspect(connection).has_table(_seen.name):  # who comes later needs no right to make it
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    _METADATA.create_all(connection)


def _remember(
    connection: Connection, database: Database, kind: str, digest: str, *, now_s: float, keep_s: float
) -> bool:
    now = database.now(now_s)
    expires = {"expires_s": now + keep_s}
    statement = (
        database.insert(_seen)
        .values(kind=kind, digest=digest, **expires)
        .on_conflict_do_update(
            index_elements=[_seen.c.kind, _seen.c.digest], set_=expires, where=_seen.c.expires_s <= now
        )
    )
    result = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return result.rowcount == 1


def _forget(connection: Connection, database: Database, *, now_s: float) -> None:
    """Delete old rows, but none that another transaction works on: two would wait for each other."""
    key = tuple_(_seen.c.kind, _seen.c.digest)
    old = (
        select(_seen.c.kind, _seen.c.digest)
        .where(_seen.c.expires_s <= database.now(now_s))
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(_seen).where(key.in_(old)))
