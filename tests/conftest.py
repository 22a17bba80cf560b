"""Fixtures that every test may use: the real servers, and an environment without anybody's keys."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from lab.servers.livekit import LiveKit, livekit_server
from lab.servers.valkey import valkey

_OURS = ("LIVEKIT_", "VOBIZ_", "DEEPGRAM_", "OPENAI_", "DIALROOM_", "CLINIC_")
_KEPT = {"LIVEKIT_SERVER_BIN", "LIVEKIT_SIP_BIN", "DIALROOM_CACHE"}


@pytest.fixture(autouse=True, scope="session")
def _no_keys_from_outside() -> Iterator[None]:
    """Take every setting of ours out of the environment: a test says what it wants."""
    taken = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith(_OURS) and key not in _KEPT}
    yield
    os.environ.update(taken)


@pytest.fixture(scope="session")
async def livekit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LiveKit]:
    """Yield the real livekit-server beside a real Valkey, one for the whole session."""
    run_dir = tmp_path_factory.mktemp("livekit")
    async with valkey(run_dir) as redis_url, livekit_server(run_dir, redis_url=redis_url) as server:
        yield server
