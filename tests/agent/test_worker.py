"""agent/worker.py: admission, draining, signals, and coming back: processes on a real livekit-server."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from lab.servers.ports import free_port
from lab.servers.process import ChildError
from tests.agent.rig import START_LIMIT_S, Rig, group_gone, group_members, log_lines, logged

EXIT_LIMIT_S = 30.0


async def exit_code(process: asyncio.subprocess.Process, *, within_s: float = EXIT_LIMIT_S) -> int:
    """Wait for the end of a process."""
    return await asyncio.wait_for(process.wait(), within_s)


async def test_a_stopped_worker_finishes_its_call_while_new_ones_go_elsewhere(rig: Rig) -> None:
    """SIGTERM: the caller notices nothing, and the exit code is 0. Its log holds nothing personal."""
    async with rig.worker("drain") as old:
        async with rig.ring("drain") as leg:
            await leg.hear_end()
            old.process.send_signal(signal.SIGTERM)
            await logged(old, "no new calls; the running ones finish")
            async with rig.worker("drain") as new, rig.ring("drain", caller="+919876500000") as other:
                await other.hear()
                await logged(new, "call taken", call_id=f"SCL_{other.room}")
                await rig.ask(leg, "Where are you?")
                assert old.returncode is None
        assert await exit_code(old.process) == 0
        await group_gone(old.pid)
        ends = [line for line in log_lines(old) if line["message"] == "call ended"]
        assert [(line["reason"], line["turns"]) for line in ends] == [("caller left", 1)]
        written = old.log_path.read_text()
        assert [word for word in ("9812345678", "8071000001", "Where are you", "Park Street") if word in written] == []


async def test_a_full_worker_leaves_a_call_to_the_next_one(rig: Rig) -> None:
    """The count is exact: one call each. A third caller hears ringing until a place is free, and is then a new call."""
    async with (
        rig.worker("full", max_calls=1) as first,
        rig.worker("full", max_calls=1) as second,
        rig.ring("full") as leg,
    ):
        await leg.hear()
        async with rig.ring("full") as other:
            await other.hear()
            async with rig.ring("full") as third:
                await asyncio.sleep(3.0)
                assert third.published_s is None
            taken = [sum(line["message"] == "call taken" for line in log_lines(worker)) for worker in (first, second)]
            assert taken == [1, 1]
            room = other.room
        await rig.room_gone(room)
        await asyncio.sleep(1.0)
        async with rig.ring("full") as fourth:
            await fourth.hear()


async def test_an_interrupted_worker_ends_its_calls_soon(rig: Rig) -> None:
    """SIGINT: a short limit, then the callers are hung up, and the exit code is 130."""
    async with rig.worker("interrupt") as worker, rig.ring("interrupt") as leg:
        await leg.hear()
        worker.process.send_signal(signal.SIGINT)
        await leg.hung_up()
        assert await exit_code(worker.process) == 130
        await group_gone(worker.pid)


async def test_a_second_signal_ends_everything_at_once(rig: Rig) -> None:
    """Also the processes of calls."""
    async with rig.worker("force") as worker, rig.ring("force") as leg:
        await leg.hear()
        assert len(group_members(worker.pid)) > 2
        worker.process.send_signal(signal.SIGTERM)
        await logged(worker, "no new calls; the running ones finish")
        worker.process.send_signal(signal.SIGTERM)
        assert await exit_code(worker.process) == 128 + signal.SIGTERM
        await group_gone(worker.pid)


async def test_a_worker_that_is_killed_leaves_no_process(rig: Rig) -> None:
    """Job processes notice that their parent is gone."""
    async with rig.worker("killed") as worker, rig.ring("killed") as leg:
        await leg.hear()
        os.kill(worker.pid, signal.SIGKILL)
        await group_gone(worker.pid)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_a_worker_can_be_stopped_while_it_starts(rig: Rig, number: int, code: int) -> None:
    """Before LiveKit knows it; nothing is left."""
    async with rig.start("early") as worker:
        await logged(worker, "worker starts", within_s=START_LIMIT_S)
        await asyncio.sleep(0.5)
        worker.process.send_signal(number)
        assert await exit_code(worker.process, within_s=START_LIMIT_S) == code
        await group_gone(worker.pid)


async def refusal(rig: Rig, *arguments: str, **environ: str) -> tuple[int, list[str]]:
    """Start a worker that cannot start; return its exit code and what it printed."""
    async with rig.start("refused", *arguments, environ=environ) as worker:
        code = await exit_code(worker.process, within_s=START_LIMIT_S)
        with suppress(ChildError):
            await worker.ready(timeout_s=5)
        await group_gone(worker.pid)
        return code, worker.log_path.read_text().splitlines()


async def test_a_missing_key_is_one_line_before_any_call(rig: Rig) -> None:
    """Exit code 2."""
    code, lines = await refusal(rig, DEEPGRAM_API_KEY="", OPENAI_API_KEY="")
    assert code == 2
    assert lines == ["DEEPGRAM_API_KEY, OPENAI_API_KEY are not set: put them into the environment or into .env"]


async def test_a_wrong_livekit_key_is_one_line_before_any_call(rig: Rig) -> None:
    """Exit code 1; the key is not told."""
    code, lines = await refusal(rig, LIVEKIT_API_SECRET="wrong" * 8)
    assert code == 1
    assert len(lines) == 1
    assert "LIVEKIT_API_SECRET" in lines[0]
    assert "wrong" not in lines[0]


async def test_a_taken_health_port_is_one_clear_line(rig: Rig) -> None:
    """Exit code 1; what was logged before stays."""
    server = await asyncio.start_server(lambda *_: None, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        code, lines = await refusal(rig, "--health-port", str(port))
    assert code == 1
    assert [line for line in lines if not line.startswith("{")] == [lines[-1]]
    assert f"the health port {port}" in lines[-1]


async def test_the_health_port_answers(rig: Rig) -> None:
    """For whoever watches the process."""
    port = free_port()
    async with rig.start("health", "--health-port", str(port)) as worker:
        await worker.ready(timeout_s=START_LIMIT_S)
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 200


class Door:
    """A TCP forwarder that can be shut: what is inside falls out."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self._writers, self._open = (host, port), set[asyncio.StreamWriter](), True

    async def shut(self) -> None:
        """Cut every connection, and every new one at once."""
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def reopen(self) -> None:
        """Let connections through again."""
        self._open = True

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        if not self._open:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def door_to(url: str) -> AsyncIterator[tuple[Door, str]]:
    """Yield a door and the URL of what is behind it."""
    host, _, port = url.removeprefix("ws://").partition(":")
    door = Door(host, int(port))
    async with await asyncio.start_server(door.forward, "127.0.0.1", 0) as server:
        yield door, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await door.shut()


async def test_a_worker_comes_back_when_livekit_was_away(rig: Rig) -> None:
    """It tries until LiveKit is there again, and then takes calls."""
    async with door_to(rig.livekit.url) as (door, url), rig.worker("away", environ={"LIVEKIT_URL": url}) as worker:
        await door.shut()
        await asyncio.sleep(2.0)
        door.reopen()
        async with asyncio.timeout(60):
            while worker.log_path.read_text().count('"ready"') < 2:
                await asyncio.sleep(0.1)
        began_s = time.monotonic()
        async with rig.ring("away") as leg:
            assert await leg.hear() > began_s
