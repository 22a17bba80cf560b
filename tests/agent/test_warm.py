"""agent/warm.py: what job processes share is safe to fork."""

from __future__ import annotations

import asyncio
import json
import sys

PROBE = """
import json, sys, threading
import agent.warm
from livekit.rtc import _ffi_client
names = agent.warm.FIRST_CALL_IMPORTS
print(json.dumps({
    "threads": threading.active_count(),
    "rtc": _ffi_client.FfiClient._instance is not None,
    "missing": [name for name in names if name not in sys.modules],
}))
"""


async def test_nothing_is_left_that_does_not_survive_a_fork() -> None:
    """No thread, no rtc runtime; and every module that is to be there exists."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROBE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert json.loads(out) == {"threads": 1, "rtc": False, "missing": []}
    assert err == b""
