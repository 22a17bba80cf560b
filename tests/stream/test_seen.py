"""What was seen is seen everywhere: by other processes, after a restart, on a file and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from lab.servers.process import child
from stream.database import open_database
from stream.errors import SeenAddressError, SeenUnavailableError
from stream.seen import open_seen
from telephony.errors import UserError, WorldError
from tests.provision.store.cluster import SUPERUSER, Cluster

NONCE = "05429567804466091622"
PROCESSES = 4


def rows(address: str, statement: str = "SELECT kind, digest FROM dialroom_seen ORDER BY digest") -> list[tuple]:
    database = open_database(address)
    try:
        return [tuple(row) for row in database.transact(lambda connection: list(connection.execute(text(statement))))]
    finally:
        database.engine.dispose()


async def test_a_value_comes_for_the_first_time_once(address: str):
    """Of each kind."""
    async with open_seen(address) as seen:
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        assert not await seen.first_time("nonce", NONCE, keep_s=60)
        assert await seen.first_time("token", NONCE, keep_s=60)
        assert await seen.first_time("nonce", NONCE[::-1], keep_s=60)


async def test_a_restart_forgets_nothing(address: str):
    """Nor does a second process meanwhile."""
    async with open_seen(address) as seen:
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        async with open_seen(address) as other:
            assert not await other.first_time("nonce", NONCE, keep_s=60)
    async with open_seen(address) as seen:
        assert not await seen.first_time("nonce", NONCE, keep_s=60)


async def test_many_at_once_have_one_first(address: str):
    """In one process."""
    async with open_seen(address) as seen:
        answers = await asyncio.gather(*(seen.first_time("nonce", NONCE, keep_s=60) for _ in range(20)))
    assert sorted(answers) == [False] * 19 + [True]


async def test_processes_race_and_each_value_has_one_first(address: str, tmp_path: Path):
    """They open an empty database together and ask for the same values in the same order."""
    values = [f"{NONCE}{n}" for n in range(25)]
    argv = [sys.executable, "-m", "tests.stream.racer", address, str(tmp_path), *values]
    root = Path(__file__).parents[2]
    async with AsyncExitStack() as exits:
        racers = [
            await exits.enter_async_context(child(f"racer {n}", argv, log_path=tmp_path / f"racer-{n}.log", cwd=root))
            for n in range(PROCESSES)
        ]
        for racer in racers:
            await racer.ready(timeout_s=150)
        (tmp_path / "go").touch()
        assert [await racer.wait() for racer in racers] == [0] * PROCESSES
    won = [path.read_text().split() for path in tmp_path.glob("won-*")]
    assert len(won) == PROCESSES
    assert sorted(value for each in won for value in each) == sorted(values)


async def test_after_its_time_a_value_is_forgotten_and_its_row_deleted(tmp_path: Path):
    """By the next call that comes, whatever it asks."""
    address, now_s = str(tmp_path / "seen.db"), 1_000_000.0
    async with open_seen(address, clock=lambda: now_s) as seen:
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        assert await seen.first_time("nonce", "another", keep_s=600)
        now_s += 59.9
        assert not await seen.first_time("nonce", NONCE, keep_s=60)
        now_s += 0.2
        assert await seen.first_time("nonce", "a third", keep_s=60)
        assert len(rows(address)) == 2
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        assert not await seen.first_time("nonce", "another", keep_s=60)


async def test_a_value_that_is_over_is_new_though_its_row_is_there(address: str):
    """The clean-up comes after the question, and on PostgreSQL the time is the server's."""
    async with open_seen(address) as seen:
        assert await seen.first_time("nonce", NONCE, keep_s=1e-6)
        await asyncio.sleep(0.01)
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        assert not await seen.first_time("nonce", NONCE, keep_s=60)


async def test_old_rows_are_deleted(address: str):
    """On both databases."""
    async with open_seen(address) as seen:
        for n in range(5):
            await seen.first_time("nonce", str(n), keep_s=1e-6)
        await asyncio.sleep(0.01)
        await seen.first_time("nonce", NONCE, keep_s=60)
    assert len(rows(address)) == 1


async def test_a_value_is_stored_as_its_digest_alone(address: str, tmp_path: Path):
    """Any text is a value."""
    async with open_seen(address) as seen:
        for value in (NONCE, "", "\0", "é\ud800", "x" * 100_000):
            assert await seen.first_time("nonce", value, keep_s=60)
            assert not await seen.first_time("nonce", value, keep_s=60)
    assert {len(digest) for _, digest in rows(address)} == {64}
    assert NONCE not in str(rows(address))
    for path in (tmp_path / "state").glob("*"):
        assert NONCE.encode() not in path.read_bytes()


@pytest.mark.parametrize("keep_s", [0, -1, float("nan")])
async def test_what_would_be_forgotten_at_once_is_a_mistake(tmp_path: Path, keep_s):
    """Everything would be new."""
    async with open_seen(tmp_path / "seen.db") as seen:
        with pytest.raises(ValueError, match="remembered"):
            await seen.first_time("nonce", NONCE, keep_s=keep_s)


async def test_a_file_is_its_owners_alone(tmp_path: Path):
    """Whatever the umask; its name is only a name."""
    path = tmp_path / "new folder" / "a?mode=ro #1.db"
    before = os.umask(0)
    try:
        async with open_seen(str(path)) as seen:
            await seen.first_time("nonce", NONCE, keep_s=60)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_who_cannot_ask_lets_nothing_pass(tmp_path: Path, monkeypatch):
    """A file that is gone, locked, or something else."""
    monkeypatch.setattr("stream.database.LOCKED_WAIT_S", 0.05)
    path = tmp_path / "seen.db"
    async with open_seen(path) as seen:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SeenUnavailableError, match="locked") as caught:
            await seen.first_time("nonce", NONCE, keep_s=60)
        other.close()
        assert isinstance(caught.value, WorldError)
        assert str(path) in str(caught.value)
        assert await seen.first_time("nonce", NONCE, keep_s=60)
        path.unlink()
        with pytest.raises(SeenUnavailableError):
            await seen.first_time("nonce", NONCE, keep_s=60)
    path.write_text("numbers:\n  - one\n" * 100)
    for broken in (path, tmp_path, path / "below"):
        with pytest.raises(SeenUnavailableError):
            async with open_seen(broken):
                pass


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a\0b",
        "mysql://u:s3cret@h/d",
        "postgresql://u:s3cret@h",
        "postgresql://u:s3@cret@h/d",
        "postgresql://u:s3cret/d",
        "postgresql://h/s3cret@d",
        "~nobody-has-this-name/seen.db",
    ],
)
async def test_an_address_that_is_none_is_not_quoted(address):
    """It may hold a password."""
    with pytest.raises(SeenAddressError) as caught:
        async with open_seen(address):
            pass
    assert isinstance(caught.value, UserError)
    assert "s3cret" not in f"{caught.value}{caught.value.__cause__}"


async def test_a_wrong_password_is_never_told(postgres: Cluster):
    """Nor the right one."""
    url = postgres.url(postgres.new_database()).replace(postgres.password, "s3cret")
    with pytest.raises(SeenUnavailableError) as caught:
        async with open_seen(url):
            pass
    assert "password authentication failed" in str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.__dict__} {caught.value.__cause__}"


async def test_who_may_not_make_tables_may_use_them(postgres: Cluster):
    """A worker's user needs no more than to read and write rows."""
    name = postgres.new_database()
    postgres.execute(f"CREATE ROLE {name}_w LOGIN PASSWORD 'w'")
    worker = postgres.url(name).replace(f"{SUPERUSER}:{postgres.password}", f"{name}_w:w")
    with pytest.raises(SeenUnavailableError, match="permission denied"):
        async with open_seen(worker):
            pass
    async with open_seen(postgres.url(name)):
        pass
    database = open_database(postgres.url(name))
    database.transact(
        lambda connection: connection.execute(
            text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON dialroom_seen TO {name}_w")
        )
    )
    database.engine.dispose()
    async with open_seen(worker) as seen:
        assert await seen.first_time("nonce", NONCE, keep_s=60)
