"""Other processes that use a state: ``python -m tests.provision.store.actors ROLE JSON``."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.servers.process import Child, child
from provision.store.errors import LeaseLostError
from provision.store.process import Process, this_process
from provision.store.store import open_store

DEPLOYMENT = "demo"


class Elsewhere:
    """Another machine, as far as the store can know."""

    lease_s = 3.0

    @staticmethod
    def process() -> Process:
        return replace(this_process(), host="elsewhere", machine="another")


@asynccontextmanager
async def actor(role: str, tmp_path: Path, *, timeout_s: float = 60, **arguments: Any) -> AsyncIterator[Child]:
    """Run a role in a process of its own, from its first `ready` on."""
    argv = [sys.executable, "-m", "tests.provision.store.actors", role, json.dumps(arguments)]
    log_path = tmp_path / f"{role}-{os.urandom(4).hex()}.log"
    async with child(role, argv, log_path=log_path, cwd=Path(__file__).parents[3]) as running:
        await running.ready(timeout_s=timeout_s)
        yield running


def _say(**fields: Any) -> None:
    sys.stdout.write(f"{json.dumps(fields)}\n")
    sys.stdout.flush()


async def _hold(address: str, *, lease_s: float, elsewhere: bool) -> None:
    """Hold the lock until it is lost."""
    process = Elsewhere.process() if elsewhere else None
    async with (
        open_store(address, lease_s=lease_s, process=process) as store,
        store.lock(DEPLOYMENT, holder="actor", wait_s=60) as lease,
    ):
        _say(ready=os.getpid())
        try:
            while True:
                lease.check()
                await asyncio.sleep(0.02)
        except LeaseLostError as error:
            _say(lost=str(error))


async def _fight(address: str, *, rounds: int, arena: str) -> None:
    """Count up a number in a file, alone there each time."""
    counter, inside = Path(arena) / "counter", Path(arena) / "inside"
    async with open_store(address) as store:
        _say(ready=os.getpid())
        for _ in range(rounds):
            async with store.lock(DEPLOYMENT, holder="actor", wait_s=120) as lease:
                lease.check()
                inside.touch(exist_ok=False)
                count = int(counter.read_text())
                await asyncio.sleep(0.02)
                counter.write_text(str(count + 1))
                inside.unlink()


async def _apply(address: str) -> None:
    """Come as far as the third of five steps, and wait for the end."""
    async with open_store(address) as store:
        run = await store.begin_run(DEPLOYMENT, "abc")
        for index in range(2):
            store.note_step(run, index, "sending", f"trunk {index}")
            store.note_step(run, index, "done", f"trunk {index}")
        store.note_step(run, 2, "sending", "trunk 2")
        while (last := await store.last_run(DEPLOYMENT)) is None or last.done < 2 or not last.sending:
            await asyncio.sleep(0.02)
        _say(ready=os.getpid())
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run({"hold": _hold, "fight": _fight, "apply": _apply}[sys.argv[1]](**json.loads(sys.argv[2])))
