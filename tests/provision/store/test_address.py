"""Addresses: paths, URLs, and passwords that are never told."""

from pathlib import Path

import pytest

from provision.store.address import FileAddress, PostgresAddress, default_path, parse_address
from provision.store.errors import StoreAddressError

SECRET = "s3cret"


@pytest.mark.parametrize("address", ["state.db", "./state.db", Path("state.db"), "~/state.db", "/tmp/a b.db"])
def test_a_path_is_a_file(address):
    """And absolute from then on."""
    parsed = parse_address(address)
    assert isinstance(parsed, FileAddress)
    assert parsed.path.is_absolute()
    assert "~" not in parsed.label


def test_the_default_is_beside_the_manifest():
    """Whatever the working folder is later."""
    assert default_path(Path("/srv/dialroom.yaml")) == Path("/srv/.dialroom/provision.db")
    assert default_path(Path("dialroom.yaml")) == Path.cwd() / ".dialroom" / "provision.db"


@pytest.mark.parametrize(
    ("url", "label"),
    [
        (f"postgresql://anna:{SECRET}@db.example.in/state", "postgresql://db.example.in/state"),
        (f"postgres://anna:{SECRET}@db.example.in:5433/state", "postgresql://db.example.in:5433/state"),
        (f"postgresql+psycopg://anna:{SECRET}@[::1]:5433/state?sslmode=require", "postgresql://[::1]:5433/state"),
        (f"postgresql://anna:{SECRET}%40%2F@db/state?sslpassword={SECRET}", "postgresql://db/state"),
        (f"postgresql:///state?host=/run/postgresql&password={SECRET}", "postgresql:///state (at /run/postgresql)"),
        ("postgresql:///state", "postgresql:///state"),
    ],
)
def test_a_url_is_called_by_its_place(url, label):
    """Its text has no user and no password."""
    parsed = parse_address(url)
    assert isinstance(parsed, PostgresAddress)
    assert parsed.label == label
    assert SECRET not in repr(parsed)
    assert parsed.url.drivername == "postgresql+psycopg"
    assert parsed.is_clean(label)


@pytest.mark.parametrize(
    ("url", "decoded"),
    [
        ("postgresql://anna:s3%40cret@db/state", "s3@cret"),
        ("postgresql:///state?password=s3cret", "s3cret"),
        ("postgresql://anna@db/state?sslpassword=s3cret", "s3cret"),
    ],
)
def test_a_text_with_a_secret_is_not_clean(url, decoded):
    """As the server would quote it."""
    parsed = parse_address(url)
    assert isinstance(parsed, PostgresAddress)
    assert not parsed.is_clean(f"no such password: {decoded}!")
    assert parsed.is_clean("no such password")


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://anna:{SECRET}@db/state",
        f"sqlite:///{SECRET}",
        f"postgresql://anna:{SECRET}@db",
        f"postgresql://anna:{SECRET}@db:port/state",
        f"postgresql://anna:{SECRET}",
        f"postgresql://anna:x@{SECRET}@db/state",
        f"postgresql://anna:x@{SECRET}/y@db/state",
        f"postgresql://anna:x@{SECRET}?y@db/state",
        f"postgresql://anna/x:{SECRET}@db/state",
        f"postgresql://anna:{SECRET}@d b/state",
        "",
        "a\0b",
    ],
)
def test_what_is_neither_is_refused_without_being_quoted(url):
    """A part of a password could be taken for a host."""
    with pytest.raises(StoreAddressError) as caught:
        parse_address(url)
    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.__cause__ is None


def test_a_home_that_nobody_has_is_told():
    """Not as a traceback."""
    with pytest.raises(StoreAddressError, match="~nosuchuser: no such user"):
        parse_address("~nosuchuser/state.db")
