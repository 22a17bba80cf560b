"""Where the state is: the path of a SQLite file, or a PostgreSQL URL whose secrets never leave this value."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from provision.store.errors import StoreAddressError
from telephony.manifest.load import folder_of

_POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")
_HOST: Final = re.compile(r"[\w.:,%\[\]-]*")
_PLAIN: Final = re.compile(r"[^@/]*")
_SECRET_OPTIONS: Final = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A SQLite file."""

    path: Path

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A PostgreSQL database. Its text form holds no user and no secret."""

    url: URL = field(repr=False)

    @property
    def label(self) -> str:
        """What messages call it."""
        host, port = self.url.host or "", f":{self.url.port}" if self.url.port else ""
        host = f"[{host}]" if ":" in host else host
        socket = self.url.query.get("host")
        return f"postgresql://{host}{port}/{self.url.database or ''}" + (f" (at {socket})" if socket else "")

    def is_clean(self, text: str) -> bool:
        """Return whether a text holds nothing secret."""
        secrets = [str(self.url.password or ""), *(str(self.url.query.get(name, "")) for name in _SECRET_OPTIONS)]
        return not any(secret and secret in text for secret in secrets)


def default_path(manifest: Path) -> Path:
    """Return the file that belongs to a manifest, a file or a folder."""
    manifest = manifest.absolute()
    return folder_of(manifest) / ".dialroom" / "provision.db"


def parse_address(address: str | Path) -> FileAddress | PostgresAddress:
    """Read an address.

    Raises:
        StoreAddressError: it is neither a path nor a PostgreSQL URL.
    """
    if isinstance(address, Path):
        return FileAddress(address.absolute())
    scheme, mark, _ = address.partition("://")
    if not mark:
        if not address or "\0" in address:
            raise StoreAddressError("the address of the provisioning state is empty or has a zero byte")
        try:
            return FileAddress(Path(address).expanduser().absolute())
        except RuntimeError:
            user = address.partition("/")[0]
            raise StoreAddressError(f"the address of the provisioning state begins with {user}: no such user") from None
    if scheme.lower() not in _POSTGRES:
        raise StoreAddressError("the address of the provisioning state begins like a URL, but not with postgresql://")
    return PostgresAddress(_url(address))


def _url(address: str) -> URL:
    # An unescaped @ or / in a password would make its rest a host or a database, which messages name.
    escape = StoreAddressError(
        "the PostgreSQL URL cannot be read: write @ / : ? # % in a password as %40 %2F %3A %3F %23 %25"
    )
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        raise escape from None
    if address.count("@") > 1 or not _HOST.fullmatch(url.host or "") or not _PLAIN.fullmatch(url.database or ""):
        raise escape
    if not url.database:
        raise StoreAddressError("the PostgreSQL URL names no database")
    return url.set(drivername="postgresql+psycopg")
