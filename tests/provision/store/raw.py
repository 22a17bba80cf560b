"""A state behind the store's back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from provision.store.address import FileAddress, parse_address
from provision.store.postgres import open_postgres
from provision.store.sqlite import open_sqlite


async def execute(address: str, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
    """Run one statement; return the rows of a SELECT."""
    parsed = parse_address(address)
    database = open_sqlite(parsed) if isinstance(parsed, FileAddress) else open_postgres(parsed)

    def work(connection):
        result = connection.execute(text(statement), dict(values or {}))
        return list(result) if result.returns_rows else []

    try:
        return await database.write(work)
    finally:
        await database.close()
