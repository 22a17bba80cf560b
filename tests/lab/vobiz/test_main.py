"""The stand-in as a process: one line when ready, and gone on the first signal."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lab.vobiz",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready_line(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def test_it_says_where_it_is_and_what_opens_it() -> None:
    """Numbers may be written in any form."""
    async with started("--number", "08071000001", "--number", "+918071000002") as process:
        ready = await ready_line(process)
        assert ready["ready"] is True
        headers = {"X-Auth-ID": str(ready["auth_id"]), "X-Auth-Token": str(ready["auth_token"])}
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as http:
            answer = await http.get(f"{ready['base_url']}/Account/{ready['auth_id']}/numbers")
    assert [item["e164"] for item in answer.json()["items"]] == ["+918071000001", "+918071000002"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_on_a_signal(signum: signal.Signals) -> None:
    """Exit code 0, nothing on stderr."""
    async with started() as process:
        await ready_line(process)
        process.send_signal(signum)
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_a_number_that_is_none_is_one_line_and_exit_code_2() -> None:
    """Like everywhere."""
    async with started("--number", "hello") as process:
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().count("\n") == 1


async def test_a_port_that_is_taken_is_one_line_and_exit_code_1() -> None:
    """No traceback."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, started("--port", str(port)) as process:
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors.decode()
    assert errors.decode().count("\n") == 1
