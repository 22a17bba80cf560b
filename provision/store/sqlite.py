"""The state in a SQLite file of its owner's.

Every transaction opens the file anew: a file that was taken away is noticed, not written on unseen.
"""

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, literal
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from provision.store.address import FileAddress
from provision.store.database import LOCKED_WAIT_S, READS, Database
from provision.store.errors import StoreDamagedError, StoreError, StoreUnavailableError

_PRIMARY: Final = 0xFF
"""The part of an extended result code that names the kind of error."""
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_NOT_WRITTEN: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)
_OTHER_TABLES: Final = ("no such table", "no such column", "has no column")
_WRITABLE: Final = "make its folder and the file writable, or give another path"


def open_sqlite(address: FileAddress) -> Database:
    """Make the file, for its owner alone, when it is not there; return it as a database.

    Raises:
        StoreUnavailableError: it cannot be made or written.
        StoreDamagedError: it is not a sound SQLite file.
    """
    _make_file(address.path)
    database = Database(
        label=address.label,
        engine=_engine(address.path),
        insert=insert,
        now=literal,
        explain=lambda error: _explain(error, address.path),
    )
    _check(database, address.path)
    return database


_MAGIC: Final = b"SQLite format 3\0"
"""https://www.sqlite.org/fileformat.html, section 1.3."""


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            made = os.fstat(handle)
            is_ours = stat.S_ISREG(made.st_mode) and os.read(handle, len(_MAGIC)) in (b"", _MAGIC)
            if is_ours and stat.S_IMODE(made.st_mode) & 0o077 and os.name == "posix":
                with suppress(PermissionError):  # somebody else's file, who has given it to us
                    os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreUnavailableError(str(path), reason, hint=_WRITABLE) from None


def _engine(path: Path) -> Engine:
    uri = f"{path.as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=LOCKED_WAIT_S, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    # The library would begin a transaction at the first write only, and lose the race for it to another process.
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _check(database: Database, path: Path) -> None:
    try:
        with database.engine.connect().execution_options(**{READS: True}) as connection, connection.begin():
            found: Any = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except SQLAlchemyError as error:
        explained = _explain(error, path)
        if explained is None:
            raise
        raise explained from None
    if found != "ok":
        raise _damaged(path, str(found).rpartition("\n")[2].lower())


def _explain(error: SQLAlchemyError, path: Path) -> StoreError | None:
    cause = error.orig if isinstance(error, DBAPIError) else None
    if not isinstance(cause, sqlite3.Error):
        return None
    kind, text = (getattr(cause, "sqlite_errorcode", 0) or 0) & _PRIMARY, str(cause)
    if kind in _DAMAGED or (kind == sqlite3.SQLITE_ERROR and any(words in text for words in _OTHER_TABLES)):
        return _damaged(path, text)
    if kind in _BUSY:
        return StoreUnavailableError(str(path), "another program keeps it locked", hint="run again when that has ended")
    if kind == sqlite3.SQLITE_CANTOPEN and not path.exists():
        return StoreDamagedError(str(path), "the file is gone", hint="run again: it is made anew")
    if kind in _NOT_WRITTEN:
        return StoreUnavailableError(str(path), text, hint=_WRITABLE)
    return None


def _damaged(path: Path, reason: str) -> StoreDamagedError:
    return StoreDamagedError(str(path), reason, hint=f"move it away (mv {path.name} {path.name}.damaged) and run again")
