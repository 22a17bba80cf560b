"""A real PostgreSQL of Debian's package: a cluster of its own, on a Unix socket, with passwords."""

import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.servers.process import child

SUPERUSER = "dialroom"
_ROOT_RUNS_AS = "postgres"


class NoPostgresError(Exception):
    """It cannot be run here; the text says why."""


@dataclass(frozen=True)
class Cluster:
    """A running server; `folder` holds its socket."""

    folder: Path
    password: str

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement outside of every database that a test uses."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def new_database(self) -> str:
        name = f"t{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return name


@dataclass(frozen=True)
class Server:
    """What is installed, and how it is run: root may not."""

    binaries: Path
    as_user: tuple[str, ...]


def find_server() -> Server:
    """Return the newest server that can be run here."""
    try:
        import psycopg
    except ImportError:
        raise NoPostgresError("no psycopg: pip install 'dialroom[postgres]'") from None
    assert psycopg.pq
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    if not found and not on_path:
        raise NoPostgresError("no PostgreSQL server: apt-get install postgresql")
    binaries = found[-1].parent if found else Path(str(on_path)).resolve().parent
    if os.getuid() != 0:
        return Server(binaries, ())
    try:
        pwd.getpwnam(_ROOT_RUNS_AS)
    except KeyError:
        raise NoPostgresError(f"root may not run PostgreSQL, and there is no user {_ROOT_RUNS_AS}") from None
    if not shutil.which("setpriv"):
        raise NoPostgresError("root may not run PostgreSQL, and there is no setpriv to become another user")
    user = ("setpriv", f"--reuid={_ROOT_RUNS_AS}", f"--regid={_ROOT_RUNS_AS}", "--init-groups", "--pdeathsig=KILL")
    return Server(binaries, user)


@asynccontextmanager
async def cluster(server: Server) -> AsyncIterator[Cluster]:
    """Run a cluster for as long as the block lasts.

    Its folder is not pytest's, which no other user may enter.
    """
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="dialroom-pg-", dir="/tmp"))
    try:
        running = Cluster(folder, secrets.token_urlsafe(16))
        await _init(server, running)
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-k", str(folder)]
        argv = [*server.as_user, str(server.binaries / "postgres"), "-D", str(folder / "data"), *settings]
        async with child("postgres", argv, log_path=folder / "log", cwd=folder) as process:

            async def answers() -> bool:
                try:
                    running.execute("SELECT 1")
                except psycopg.OperationalError:
                    return False
                return True

            await process.until(answers, timeout_s=60)
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _init(server: Server, cluster: Cluster) -> None:
    password = cluster.folder / "password"
    password.write_text(cluster.password)
    if server.as_user:
        for path in (cluster.folder, password):
            shutil.chown(path, _ROOT_RUNS_AS)
    argv = [*server.as_user, str(server.binaries / "initdb"), "-D", str(cluster.folder / "data"), "-U", SUPERUSER]
    argv += ["-A", "scram-sha-256", "-E", "UTF8", "--no-sync", f"--pwfile={password}"]
    async with child("initdb", argv, log_path=cluster.folder / "initdb.log", cwd=cluster.folder) as made:
        if await made.wait() != 0:
            await made.must_live()
