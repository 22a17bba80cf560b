"""One child process of the lab: its own process group, its output in a log file, dead when its parent is dead."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from telephony.errors import WorldError

TERM_GRACE_S = 10.0
LAST_WORDS_S = 1.0  # what a process printed at its end may be read after the end is known
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildError(WorldError):
    """A process of the lab did not start, or ended before its time."""


@dataclass(eq=False)
class Child:
    """A running child. `log_path` holds everything that it printed."""

    name: str
    log_path: Path
    process: asyncio.subprocess.Process
    _ready: asyncio.Future[dict[str, Any]] = field(repr=False)
    _all_read: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group's."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.returncode

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return await self.process.wait()

    async def ready(self, *, timeout_s: float) -> dict[str, Any]:
        """Return the first JSON object with the key `ready` that it prints.

        Raises ChildError when it ends or stays silent for `timeout_s`; the message quotes its last line.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), timeout_s)
        except TimeoutError:
            raise ChildError(f"{self.name} was not ready within {timeout_s:.0f} s: {self.last_line()}") from None

    async def until(self, probe: Callable[[], Any], *, timeout_s: float) -> None:
        """Call the coroutine function `probe` every 50 ms until it returns a true value."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not await probe():
            if self.returncode is not None:
                await self.must_live()
            if loop.time() > deadline:
                raise ChildError(f"{self.name} was not ready within {timeout_s:.0f} s: {self.last_line()}")
            await asyncio.sleep(0.05)

    async def must_live(self) -> None:
        """Wait for its end, which is an error. Raises ChildError."""
        code = await self.process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_read.wait(), LAST_WORDS_S)
        raise ChildError(f"{self.name} ended with exit code {code}: {self.last_line()}")

    def last_line(self) -> str:
        """Return the last thing that it printed, for an error message."""
        with contextlib.suppress(OSError):
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
            lines = [line for line in lines if not _tells_ready(line.encode())]  # it may hold keys
            if lines:
                return f"{lines[-1][:300]} (all of it: {self.log_path})"
        return f"it printed nothing ({self.log_path})"

    async def stop(self, *, grace_s: float = TERM_GRACE_S) -> int:
        """Send SIGTERM, wait `grace_s`, then SIGKILL the whole group; return the exit code."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return await self.process.wait()


OnStart = Callable[[Child], None]


def ignored(_process: Child) -> None:
    """Take notice of no process."""


@asynccontextmanager
async def child(
    name: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log_path: Path,
    cwd: Path | None = None,
    grace_s: float = TERM_GRACE_S,
) -> AsyncIterator[Child]:
    """Run `argv` for as long as the block lasts. `env` replaces the environment where given.

    On Linux the kernel kills it when this process dies in any way (PR_SET_PDEATHSIG); elsewhere only an orderly exit
    reaches it. Raises ChildError when the program is missing or cannot be run.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab", buffering=0) as log:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=partial(_die_with, os.getpid()) if _libc else None,
                limit=2**20,
            )
        except FileNotFoundError:
            raise ChildError(f"{name}: the program {argv[0]} is not there") from None
        except OSError as error:
            raise ChildError(f"{name}: the program {argv[0]} cannot be run: {error.strerror}") from None
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        running = Child(name=name, log_path=log_path, process=process, _ready=ready)
        reader = asyncio.create_task(_copy_output(running, log, ready))
        try:
            yield running
        finally:
            await asyncio.shield(asyncio.ensure_future(running.stop(grace_s=grace_s)))
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
            if not ready.done():
                ready.cancel()
            elif not ready.cancelled():
                ready.exception()


def _die_with(parent: int) -> None:
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died between fork and prctl
        os._exit(1)


def _tells_ready(line: bytes) -> bool:
    return line.startswith(b"{") and b'"ready"' in line


async def _copy_output(running: Child, log: BinaryIO, ready: asyncio.Future[dict[str, Any]]) -> None:
    assert running.process.stdout is not None
    while line := await _next_line(running.process.stdout):
        log.write(line)
        if not ready.done() and _tells_ready(line):
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if "ready" in told:
                    ready.set_result(told)
    running._all_read.set()
    code = await running.process.wait()
    if not ready.done():
        ready.set_exception(ChildError(f"{running.name} ended with exit code {code}: {running.last_line()}"))


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # a line longer than the limit: the rest of it follows
        return b"(line too long)\n"
