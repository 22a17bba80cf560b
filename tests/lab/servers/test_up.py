"""`dialroom up` as a process: what it leaves for others, and that it ends with any of its parts and takes all along."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from lab.running import NOTE, find_running
from lab.servers.livekit import ROOT
from lab.servers.process import Child, child

LIMIT_S = 60


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[Child]:
    """Run `dialroom up` in a folder, without workers."""
    argv = [sys.executable, "-m", "cli", "up", "--json", "--ears", "oracle", "--workers", "0"]
    argv += ["--manifest", str(ROOT / "dialroom.yaml")]
    environ = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    async with child("up", argv, env=environ, log_path=folder / "up.log", cwd=folder, grace_s=30) as process:
        yield process


async def ended(processes: list[psutil.Process]) -> bool:
    """Wait until none of them runs."""
    async with asyncio.timeout(LIMIT_S):
        while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
            await asyncio.sleep(0.1)
    return True


@pytest.mark.parametrize("part", ["valkey", "livekit", "lab.gateway"])
async def test_a_part_that_dies_ends_everything_and_is_named(tmp_path: Path, part: str) -> None:
    """Not a stack that looks alive and takes no calls; keys that a part has printed are not repeated."""
    async with up(tmp_path) as process:
        ready = await process.ready(timeout_s=90)
        parts = psutil.Process(process.pid).children(recursive=True)
        next(p for p in parts if part in " ".join(p.cmdline())).kill()
        async with asyncio.timeout(LIMIT_S):
            assert await process.wait() == 1
        assert await ended(parts)
    told = (tmp_path / "up.log").read_text().strip().splitlines()[-1]
    assert "ended with exit code -9" in told
    assert "auth_token" not in told
    assert ready["api_secret"] not in told
    assert not (tmp_path / NOTE).exists()


async def test_a_killed_up_leaves_nothing_that_runs_and_nobody_is_sent_there(tmp_path: Path) -> None:
    """SIGKILL cannot be caught: the kernel ends the parts, and the note it leaves is not believed."""
    async with up(tmp_path) as process:
        await process.ready(timeout_s=90)
        assert find_running(tmp_path) is not None
        parts = psutil.Process(process.pid).children(recursive=True)
        assert len(parts) >= 5
        process.process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        assert await ended(parts)
    assert (tmp_path / NOTE).exists()
    assert find_running(tmp_path) is None


async def test_a_second_up_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """The note of the first one stays, so calls find it; what is written for a shell is for its owner only."""
    async with up(tmp_path) as first:
        ready = await first.ready(timeout_s=90)
        async with up(tmp_path) as second:
            async with asyncio.timeout(LIMIT_S):
                assert await second.wait() == 1
        running = find_running(tmp_path)
        assert running is not None
        assert (running["sip"], running["calls_to"], running["via"]) == (ready["sip"], ready["sip"], "sip")
        settings = tmp_path / ".dialroom" / "up.env"
        assert settings.stat().st_mode & 0o077 == 0
        assert f"LIVEKIT_API_SECRET={ready['api_secret']}" in settings.read_text()
        first.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(LIMIT_S):
            assert await first.wait() == 130
    assert "runs in this folder already" in (tmp_path / "up.log").read_text()
    assert not settings.exists()


@pytest.mark.parametrize(
    "note",
    [
        *("[]", "5", "{", '{"pid": null}', '{"pid": 1e400}'),
        '{"pid": -1, "calls_to": "a", "via": "sip", "speech_url": "b", "started": 0}',
    ],
)
def test_a_damaged_note_is_no_stack(tmp_path: Path, note: str) -> None:
    """Whatever is in it."""
    (tmp_path / ".dialroom").mkdir()
    (tmp_path / NOTE).write_text(note)
    assert find_running(tmp_path) is None


def test_a_note_of_a_process_that_has_the_number_by_chance_is_no_stack(tmp_path: Path) -> None:
    """The start of the process must be the same."""
    (tmp_path / ".dialroom").mkdir()
    told = {"calls_to": "127.0.0.1:9", "via": "sip", "speech_url": "http://127.0.0.1:9"}
    told |= {"pid": os.getpid(), "started": 1.0}
    (tmp_path / NOTE).write_text(json.dumps(told))
    assert find_running(tmp_path) is None
