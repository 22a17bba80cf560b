"""The state in a PostgreSQL database that several machines share. Its clock decides when a lease is over."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, Double, Engine, cast, create_engine, event, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from provision.store.address import PostgresAddress
from provision.store.database import LOCKED_WAIT_S, Database
from provision.store.errors import StoreDamagedError, StoreError, StoreUnavailableError

_UNDEFINED: Final = ("42P01", "42703")
"""SQLSTATE: no such table, no such column."""
_FAULTS_OF_OURS: Final = ("22", "23", "42")
"""Classes of SQLSTATE that say that a statement is wrong."""
_NOT_ALLOWED: Final = "42501"
_HINT: Final = "check the address, the password and that the database is up, or use a file"
_DEFAULTS: Final = {
    "connect_timeout": "5",
    "application_name": "dialroom",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": f"{LOCKED_WAIT_S * 1000:.0f}",
}
"""A vanished server is noticed within seconds; whoever writes these into the URL decides otherwise."""


def open_postgres(address: PostgresAddress) -> Database:
    """Return the database. Nothing is sent yet.

    Raises:
        StoreUnavailableError: the driver is not installed.
    """
    try:
        engine = _engine(address)
    except ImportError:
        raise StoreUnavailableError(
            address.label, "the PostgreSQL driver is not installed", hint="pip install 'dialroom[postgres]'"
        ) from None
    return Database(
        label=address.label, engine=engine, insert=insert, now=_now, explain=lambda error: _explain(error, address)
    )


def _engine(address: PostgresAddress) -> Engine:
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in address.url.query}
    engine = create_engine(
        address.url.update_query_dict(defaults),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=8,
        pool_timeout=LOCKED_WAIT_S,
        hide_parameters=True,
        connect_args={"prepare_threshold": None},  # a pooler in between hands connections around
    )
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {LOCKED_WAIT_S * 1000:.0f}")


def _now(_wall_s: float) -> ColumnElement[float]:
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def _explain(error: SQLAlchemyError, address: PostgresAddress) -> StoreError | None:
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailableError(address.label, "all connections are in use", hint=_HINT)
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    code = getattr(error.orig, "sqlstate", None) or ""
    reason = _reason(str(error.orig), address)
    if code in _UNDEFINED:
        return StoreDamagedError(address.label, reason, hint="drop its dialroom_ tables and run again")
    if code == _NOT_ALLOWED:
        return StoreUnavailableError(address.label, reason, hint="let its user create and write tables there")
    if code.startswith(_FAULTS_OF_OURS):
        return None
    return StoreUnavailableError(address.label, reason, hint=_HINT)


def _reason(text: str, address: PostgresAddress) -> str:
    """Return the first line of what the driver says, unless it holds a secret."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    line = line.removeprefix("connection failed: ")
    return line if address.is_clean(line) else "the connection was refused"
