"""Another process that asks whether values are new: ``python -m tests.stream.racer ADDRESS FOLDER VALUE…``.

It says ``{"ready": pid}``, waits for the file FOLDER/go, and writes the values that it was the first to see, one a
line, into FOLDER/won-<pid>.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from stream.seen import open_seen


async def race(address: str, folder: Path, values: list[str]) -> None:
    async with open_seen(address) as seen:
        sys.stdout.write(f"{json.dumps({'ready': os.getpid()})}\n")
        sys.stdout.flush()
        while not (folder / "go").exists():
            await asyncio.sleep(0.005)
        won = [value for value in values if await seen.first_time("nonce", value, keep_s=3600)]
    (folder / f"won-{os.getpid()}").write_text("\n".join(won))


if __name__ == "__main__":
    asyncio.run(race(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
