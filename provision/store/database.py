"""One database, whichever of the two: short transactions in a thread, and errors that a person understands."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from provision.store.errors import StoreError

T = TypeVar("T")

LOCKED_WAIT_S: Final = 10.0
"""How long one statement may wait for others, or for the network: much less than a lease."""

READS: Final = "dialroom_reads"
"""Execution option of a connection whose transaction writes nothing."""


class Insert(Protocol):
    """``INSERT``, with the ``ON CONFLICT`` that both databases spell the same."""

    def __call__(self, table: Table, /) -> sqlite.Insert | postgresql.Insert:
        """Begin a statement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database.

    `insert` is its own INSERT; `now` its own clock when several machines share it, given a moment of ours; `explain`
    makes an error of the library one of ours, None when it is a fault of this program.
    """

    label: str
    engine: Engine
    insert: Insert
    now: Callable[[float], ColumnElement[float]]
    explain: Callable[[SQLAlchemyError], StoreError | None]

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction in a thread; when this is cancelled, the thread still comes to its end first.

        Raises:
            StoreError: the database did not do it, and nothing of it is kept.
        """
        return await _to_the_end(lambda: self._transact(work, {}))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Like `write` for a transaction that writes nothing."""
        return await _to_the_end(lambda: self._transact(work, {READS: True}))

    async def close(self) -> None:
        """Close every connection."""
        await _to_the_end(self.engine.dispose)

    def _transact(self, work: Callable[[Connection], T], options: dict[str, Any]) -> T:
        try:
            with self.engine.connect().execution_options(**options) as connection, connection.begin():
                return work(connection)
        except SQLAlchemyError as error:
            explained = self.explain(error)
            if explained is None:
                raise
            raise explained from None


async def _to_the_end(work: Callable[[], T]) -> T:
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody else will ask
        raise
