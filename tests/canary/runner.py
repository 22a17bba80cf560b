"""Runs `dialroom` in a folder of its own, and reads everything that it leaves: words, files, command lines."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from tests.canary.canaries import Canaries
from tests.canary.forks import command_lines

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_S: Final = 100.0
AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command in one world. `files` are what the user has written; `of_its_own` is a process as users start it.

    Such a process is told to stop (SIGTERM) when it has printed `until`.
    """

    name: str
    words: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    of_its_own: bool = False
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a run left behind: its exit code (None: it did not end), and texts by the place where they were found."""

    run: Run
    code: int | None
    texts: Mapping[str, bytes]

    def told(self, canaries: Canaries) -> list[str]:
        """Name each place where a secret was told."""
        found = ((place, canaries.found(text)) for place, text in self.texts.items())
        return [f"{self.run.name}: {', '.join(names)} in {place}" for place, names in found if names]

    @property
    def failures(self) -> list[str]:
        """What no command does: it goes on for ever, or ends with a traceback."""
        problems = []
        if self.code not in (0, 1, 2, 3, 130, 143):
            problems.append(f"{self.run.name}: exit code {self.code}")
        if b"Traceback" in self.texts["standard error"]:
            problems.append(f"{self.run.name}: {self.texts['standard error'].decode(errors='replace')[-400:]}")
        return problems


class Runner:
    """Runs in forks of one process, `AT_ONCE` at a time."""

    def __init__(self, base: Path, server: asyncio.subprocess.Process) -> None:
        self._base = base
        self._server = server
        self._ids = itertools.count(1)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def run(self, run: Run) -> Left:
        """Run a command to its end and return what it left."""
        async with self._places:
            number = next(self._ids)
            base = self._base / f"{number}"
            for folder in (base / "home", base / "work"):
                folder.mkdir(parents=True)
            given = _write(base, run.files)
            environ = {"PATH": os.environ["PATH"], "HOME": str(base / "home"), **run.environ}
            (base / "in").touch()
            order = {
                "id": number,
                "words": run.words,
                "folder": str(base / "work"),
                "environ": environ,
                "limit_s": LIMIT_S,
                "until": run.until,
                **{name: str(base / name) for name in ("in", "out", "err")},
            }
            code, lines = await (_alone(order) if run.of_its_own else self._forked(order))
        texts = {"standard output": (base / "out").read_bytes(), "standard error": (base / "err").read_bytes()}
        texts |= {"a command line": "\n".join(lines).encode()}
        texts |= {str(path.relative_to(base)): data for path, data in _files(base) if given.get(path) != data}
        return Left(run=run, code=code, texts=texts)

    async def read(self) -> None:
        """Take the answers of the forking process until it ends."""
        assert self._server.stdout is not None
        while line := await self._server.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer)

    async def _forked(self, order: dict[str, Any]) -> tuple[int | None, list[str]]:
        assert self._server.stdin is not None
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[order["id"]] = future
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        await self._server.stdin.drain()
        answer = await future
        return answer["code"], answer["lines"]


@asynccontextmanager
async def runner(base: Path) -> AsyncIterator[Runner]:
    """Yield a runner whose folders are below `base`."""
    base.mkdir(parents=True, exist_ok=True)
    with (base / "forks.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.canary.forks"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            limit=2**20,
        )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        assert await server.stdout.readline() == b'{"ready": true}\n', (base / "forks.log").read_text()
        it = Runner(base, server)
        reading = asyncio.create_task(it.read())
        yield it
        server.stdin.close()
        await reading
        await server.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.wait()


async def _alone(order: dict[str, Any]) -> tuple[int | None, list[str]]:
    """Run a process, as a user does."""
    lines: set[str] = set()
    with _opened(order["out"]) as out, _opened(order["err"]) as err:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *order["words"]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=order["folder"],
            env=order["environ"] | {"PYTHONPATH": str(ROOT)},
        )
    try:
        async with asyncio.timeout(order["limit_s"]):
            while process.returncode is None:
                lines |= command_lines(process.pid)
                await asyncio.sleep(0.02)
                if order["until"] and order["until"] in Path(order["out"]).read_text():
                    process.terminate()
                    order["until"] = ""
    except TimeoutError:
        process.kill()
        await process.wait()
        return None, sorted(lines)
    return process.returncode, sorted(lines)


def _opened(path: str) -> BinaryIO:
    return Path(path).open("wb")


def _write(base: Path, files: Mapping[str, str | bytes]) -> dict[Path, bytes]:
    """Write what the user has written: names are below the working folder, ``~/`` is the home."""
    given: dict[Path, bytes] = {}
    for name, content in files.items():
        path = base / "home" / name[2:] if name.startswith("~/") else base / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        given[path] = content.encode() if isinstance(content, str) else content
        path.write_bytes(given[path])
    return given


def _files(base: Path) -> list[tuple[Path, bytes]]:
    found = (path for folder in ("home", "work") for path in sorted((base / folder).rglob("*")) if path.is_file())
    return [(path, path.read_bytes()) for path in found]
