"""`dialroom call --human` beside a running `dialroom up`, both as processes: a transfer that is played by hand."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.servers.livekit import ROOT
from lab.servers.ports import free_port
from lab.servers.process import child
from tests.scenarios.conftest import NODES

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]
NUMBER = "+918071000001"
GREETING = str(ROOT / "lab" / "scripts" / "greeting.yaml")


@dataclass(frozen=True)
class Terminal:
    """A folder in which `dialroom up` runs, and where the example's colleague is called."""

    folder: Path
    colleague: str

    async def call(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Call as somebody in another terminal does, with the colleague's telephone open; return code and JSON."""
        argv = ["-m", "cli", "call", NUMBER, "--human", self.colleague, "--json", *words]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *argv,
            cwd=self.folder,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, json.loads(out)


@pytest.fixture(scope="module", params=NODES)
async def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    """Yield a running `dialroom up` with the example's manifest, whose target is the colleague."""
    folder = tmp_path_factory.mktemp(f"human-{request.param}")
    colleague = f"127.0.0.1:{free_port('udp')}"
    argv = [sys.executable, "-m", "cli", "up", "--json", "--ears", "oracle", "--gateway", request.param]
    argv += ["--manifest", str(ROOT / "dialroom.yaml")]
    environ = dict(os.environ) | {"PYTHONPATH": str(ROOT), "CLINIC_PBX": colleague}
    async with child("up", argv, env=environ, log_path=folder / "up.log", cwd=folder, grace_s=40) as process:
        await process.ready(timeout_s=120)
        yield Terminal(folder, colleague)


@pytest.mark.parametrize(
    "words",
    [("--human-answers-after", "0.2"), pytest.param(("--human-presses", "1"), marks=pytest.mark.full)],
)
async def test_a_human_who_takes_the_caller(terminal: Terminal, words: tuple[str, ...]) -> None:
    """By voice or by key; both are told, and the human's leg ends with the caller's."""
    code, told = await terminal.call(*words)
    assert (code, told["failures"], told["human"]["failures"]) == (0, [], [])
    assert told["human"]["answered"]
    assert told["human"]["said"][-1].startswith("Hello, this is Asha")
    assert told["human"]["ended_by"] == "other"
    assert len(told["human"]["heard"]) >= 2


@pytest.mark.full
async def test_a_human_who_declines(terminal: Terminal) -> None:
    """The script wanted them to meet: told, with exit code 1."""
    code, told = await terminal.call("--human-says", "No, not now.")
    assert code == 1
    assert told["failures"] == ["step 3 (meet): the colleague's call was over before they could talk"]
    assert told["human"]["said"] == ["No, not now."]
    assert told["human"]["ended_by"] == "other"


@pytest.mark.full
async def test_a_human_whom_nobody_calls(terminal: Terminal) -> None:
    """The caller asks for nobody: what to look at is told."""
    code, told = await terminal.call("--script", GREETING)
    assert code == 1
    assert told["failures"] == []
    assert not told["human"]["rang"]
    assert f"sip:SOMEBODY@{terminal.colleague}" in told["human"]["failures"][0]
