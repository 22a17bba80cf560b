"""`dialroom up --json`, as a person would run it, for the peers to call."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lab.servers.livekit import ROOT
from lab.servers.process import child


@pytest.fixture(scope="package")
async def ready(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON line of a running `dialroom up`."""
    folder: Path = tmp_path_factory.mktemp("up")
    argv = [sys.executable, "-m", "cli", "up", "--json", "--ears", "oracle", "--manifest", str(ROOT / "dialroom.yaml")]
    environ = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    async with child("up", argv, env=environ, log_path=folder / "up.log", cwd=folder, grace_s=40) as process:
        yield await process.ready(timeout_s=120)
