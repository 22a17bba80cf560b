"""Opening: what is made, what is refused, and what the refusal says."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from provision.store.errors import StoreDamagedError, StoreError, StoreTooNewError, StoreUnavailableError
from provision.store.store import open_store
from telephony.errors import WorldError
from tests.provision.store.cluster import SUPERUSER, Cluster
from tests.provision.store.raw import execute


async def refusal(address: str | Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        async with open_store(address):
            pass
    assert isinstance(caught.value, WorldError)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_new_file_is_its_owners_alone(tmp_path):
    """Whatever the umask, and the folder is made."""
    path = tmp_path / ".dialroom" / "provision.db"
    before = os.umask(0)
    try:
        async with open_store(path) as store:
            await store.save_snapshot("demo", {}, {}, "first")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    """It holds telephone numbers."""
    path = tmp_path / "provision.db"
    path.touch(mode=0o644)
    async with open_store(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["with space.db", "50%.db", "a?mode=ro.db", "#1.db", "ä.db"])
async def test_a_files_name_is_only_a_name(tmp_path, name):
    """SQLite is given a URI, in which some signs mean something."""
    async with open_store(tmp_path / name) as store:
        await store.save_snapshot("demo", {}, {}, "first")
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_a_path_below_a_file_is_refused(tmp_path):
    """Like every folder that cannot be written."""
    (tmp_path / "file").touch()
    error = await refusal(tmp_path / "file" / "x.db")
    assert isinstance(error, StoreUnavailableError)
    assert str(tmp_path / "file" / "x.db") in str(error)
    assert "give another path" in str(error)


async def test_a_folder_is_no_file(tmp_path):
    """The reason is the system's."""
    assert "is a directory" in str(await refusal(tmp_path))


async def test_a_file_that_is_something_else_is_damaged(tmp_path):
    """It is left as it was."""
    path = tmp_path / "provision.db"
    path.write_text("numbers:\n  - +918071387001\n" * 100)
    before = path.read_bytes()
    error = await refusal(path)
    assert isinstance(error, StoreDamagedError)
    assert "mv provision.db provision.db.damaged" in str(error)
    assert path.read_bytes() == before


async def test_a_file_that_lost_a_piece_is_damaged(tmp_path):
    """Found at opening, not at the first use."""
    path = tmp_path / "provision.db"
    async with open_store(path) as store:
        for index in range(20):
            await store.save_snapshot("demo", {"noise": os.urandom(2000).hex()}, {}, str(index))
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    path.write_bytes(content)
    assert isinstance(await refusal(path), StoreDamagedError)
    path.write_bytes(content[: 4096 * 4])
    assert isinstance(await refusal(path), StoreDamagedError)


async def test_a_file_that_another_program_keeps_locked_says_so(tmp_path, monkeypatch):
    """Instead of waiting for ever."""
    path = tmp_path / "provision.db"
    async with open_store(path):
        pass
    monkeypatch.setattr("provision.store.sqlite.LOCKED_WAIT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    error = await refusal(path)
    other.close()
    assert "another program keeps it locked" in str(error)


async def test_a_newer_version_is_refused(address: str):
    """It could mean something else by the same tables."""
    async with open_store(address):
        pass
    await execute(address, "UPDATE dialroom_version SET version = 2")
    error = await refusal(address)
    assert isinstance(error, StoreTooNewError)
    assert (error.found, error.known) == (2, 1)
    assert "update dialroom" in str(error)


@pytest.mark.parametrize("statement", ["DELETE FROM dialroom_version", "INSERT INTO dialroom_version VALUES (1)"])
async def test_a_version_that_cannot_be_known_is_damage(address: str, statement):
    """No version, or two."""
    async with open_store(address):
        pass
    await execute(address, statement)
    assert isinstance(await refusal(address), StoreDamagedError)


async def test_a_missing_table_is_damage(address: str):
    """Whatever needs it says so."""
    async with open_store(address) as store:
        await execute(address, "DROP TABLE dialroom_snapshots")
        with pytest.raises(StoreDamagedError, match="dialroom_snapshots"):
            await store.snapshots("demo")


async def test_a_wrong_password_is_refused_and_never_told(postgres: Cluster):
    """Neither the wrong one nor, of course, the right one."""
    url = postgres.url(postgres.new_database()).replace(postgres.password, "s3cret")
    error = await refusal(url)
    assert isinstance(error, StoreUnavailableError)
    assert "password authentication failed" in str(error)
    assert "s3cret" not in f"{error} {error!r} {error.__dict__}"
    assert error.__cause__ is None


async def test_an_unknown_database_is_told(postgres: Cluster):
    """By its name."""
    assert 'database "nowhere" does not exist' in str(await refusal(postgres.url("nowhere")))


async def test_a_server_that_is_not_there_is_told(tmp_path):
    """By its address, without user and password."""
    pytest.importorskip("psycopg")
    error = await refusal(f"postgresql://anna:s3cret@/demo?host={tmp_path}&password=s3cret")
    assert str(tmp_path) in str(error)
    assert "s3cret" not in str(error)


async def test_who_may_not_make_tables_may_use_them(postgres: Cluster):
    """And is told which right is missing."""
    name = postgres.new_database()
    postgres.execute(f"CREATE ROLE {name}_ci LOGIN PASSWORD 'ci'")
    ci = postgres.url(name).replace(f"{SUPERUSER}:{postgres.password}", f"{name}_ci:ci")
    assert "permission denied for schema public; let its user create" in str(await refusal(ci))
    async with open_store(postgres.url(name)):
        pass
    await execute(postgres.url(name), f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}_ci")
    await execute(postgres.url(name), f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}_ci")
    async with open_store(ci) as store:
        await store.save_snapshot("demo", {}, {}, "first")


async def test_a_file_that_is_not_ours_keeps_its_mode(tmp_path):
    """It is refused, and nothing of it is changed."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be taken for one at first sight")
    path.chmod(0o644)
    assert isinstance(await refusal(path), StoreDamagedError)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
