"""The database behind `stream.seen`: a SQLite file of its owner's, or a PostgreSQL that several machines share."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Double,
    Engine,
    NullPool,
    Table,
    cast,
    create_engine,
    event,
    func,
    literal,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from stream.errors import SeenAddressError, SeenUnavailableError

T = TypeVar("T")

LOCKED_WAIT_S: Final = 5.0
"""How long one statement may wait for others, or for the network: about as long as the carrier waits for an answer."""
_POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")
_HOST: Final = re.compile(r"[\w.:,%\[\]-]*")
_PLAIN: Final = re.compile(r"[^@/]+")
_SECRET_OPTIONS: Final = ("password", "sslpassword")
_DEFAULTS: Final = {
    "connect_timeout": f"{LOCKED_WAIT_S:.0f}",
    "application_name": "dialroom",
    "tcp_user_timeout": f"{LOCKED_WAIT_S * 1000:.0f}",
}
"""Whoever writes these into the URL decides otherwise."""


class Insert(Protocol):
    """``INSERT``, with the ``ON CONFLICT`` that both databases spell the same."""

    def __call__(self, table: Table, /) -> sqlite.Insert | postgresql.Insert:
        """Begin a statement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database. `label` holds no secret, and `reason` makes the text of an error that holds none.

    `insert` is its own INSERT; `now` its own clock when several machines share it, given a moment of ours.
    """

    label: str
    engine: Engine
    insert: Insert
    now: Callable[[float], ColumnElement[float]]
    reason: Callable[[str], str]

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; blocks.

        Raises:
            SeenUnavailableError: the database did not do it, and nothing of it is kept.
        """
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            text = str(error.orig) if isinstance(error, DBAPIError) and error.orig else "all connections are in use"
            raise SeenUnavailableError(self.label, self.reason(text)) from None


def open_database(address: str | Path) -> Database:
    """Open a file, which is made for its owner alone, or a PostgreSQL URL, to which nothing is sent yet.

    Raises:
        SeenAddressError: it is neither.
        SeenUnavailableError: the file cannot be made, or the PostgreSQL driver is not installed.
    """
    if isinstance(address, Path):
        return _file(address)
    scheme, mark, _ = address.partition("://")
    if mark and scheme.lower() in _POSTGRES:
        return _postgres(_url(address))
    if mark or not address or "\0" in address:
        raise SeenAddressError
    return _file(Path(address))


def _file(path: Path) -> Database:
    try:
        path = path.expanduser().absolute()
    except RuntimeError:  # no such user
        raise SeenAddressError from None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise SeenUnavailableError(str(path), (error.strerror or str(error)).lower()) from None
    uri = f"{path.as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=LOCKED_WAIT_S, isolation_level=None)

    # Every transaction opens the file anew: one that was taken away is noticed, not written on unseen.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    # The library would begin a transaction at the first write only, and lose the race for it to another process.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return Database(label=str(path), engine=engine, insert=sqlite.insert, now=literal, reason=_first_line)


def _url(address: str) -> URL:
    # An unescaped @ or / in a password would make its rest a host or a database, which messages name.
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        raise SeenAddressError from None
    is_plain = _HOST.fullmatch(url.host or "") and _PLAIN.fullmatch(url.database or "")
    if address.count("@") > 1 or not is_plain:
        raise SeenAddressError
    return url.set(drivername="postgresql+psycopg")


def _postgres(url: URL) -> Database:
    label = f"the PostgreSQL database {url.database}"
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in url.query}
    try:
        engine = create_engine(
            url.update_query_dict(defaults),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=8,
            pool_timeout=LOCKED_WAIT_S,
            hide_parameters=True,
            connect_args={"prepare_threshold": None},  # a pooler in between hands connections around
        )
    except ImportError:
        raise SeenUnavailableError(label, "its driver is not installed (pip install 'dialroom[postgres]')") from None
    limit = f"SET LOCAL statement_timeout = {LOCKED_WAIT_S * 1000:.0f}"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(limit))
    secrets = [str(url.password or ""), *(str(url.query.get(name, "")) for name in _SECRET_OPTIONS)]

    def reason(text: str) -> str:
        line = _first_line(text)
        return "the connection was refused" if any(secret and secret in line for secret in secrets) else line

    return Database(label=label, engine=engine, insert=postgresql.insert, now=_server_now, reason=reason)


def _server_now(_now_s: float) -> ColumnElement[float]:
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
