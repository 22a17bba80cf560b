"""The tables are made at the first opening; who comes later needs no right to make any."""

from typing import Final

from sqlalchemy import Connection, insert, inspect, select, text

from provision.store.database import Database
from provision.store.errors import StoreDamagedError, StoreTooNewError
from provision.store.tables import METADATA, VERSION, version

_MAKING: Final = 0x6469616C726F6F6D
"""Key of the advisory lock under which tables are made: PostgreSQL's CREATE TABLE loses a race with an error."""


async def prepare(database: Database) -> None:
    """Make the tables when there are none.

    Raises:
        StoreTooNewError: a newer dialroom made them.
        StoreError: they cannot be made or read.
    """
    found = await database.read(_versions)
    if found is None:
        found = await database.write(_make)
    if len(found) != 1:
        raise StoreDamagedError(
            database.label, "its version is unknown", hint="remove its dialroom_ tables and run again"
        )
    if found[0] > VERSION:
        raise StoreTooNewError(database.label, found=found[0], known=VERSION)


def _versions(connection: Connection) -> list[int] | None:
    """Return the rows of the version table, None when there is no such table."""
    if not inspect(connection).has_table(version.name):
        return None
    return list(connection.execute(select(version.c.version)).scalars())


def _make(connection: Connection) -> list[int]:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    found = _versions(connection)
    if found is not None:
        return found
    METADATA.create_all(connection)
    connection.execute(insert(version).values(version=VERSION))
    return [VERSION]
