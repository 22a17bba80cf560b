"""`python -m tests.canary.forks`: runs `dialroom` many times at the price of one start.

Reads orders as JSON lines, forks for each, and writes a JSON line when it has ended: its exit code (null: it did not
end in time) and the command lines that it and its children had.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRELOADED = ("aiohttp", "httpx2", "livekit.api", "cli", "provision.run", "provision.number_stock.run")
_LOOK_S = 0.02
_OURS = 1000
"""A code that no command has: the order could not be run."""


def preload() -> None:
    """Import what most commands import."""
    for module in PRELOADED:
        importlib.import_module(module)


@dataclass(eq=False)
class Running:
    """A child, and what it was seen to be called."""

    order: dict[str, Any]
    pid: int
    until_s: float
    lines: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Note the command lines of its descendants."""
        self.lines |= command_lines(self.pid)


def command_lines(pid: int) -> set[str]:
    """Return the command lines of a process and of all below it, as everybody on the machine can read them."""
    found: set[str] = set()
    waiting = [pid]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        with contextlib.suppress(OSError):
            found.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            for task in (process / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def run_child(order: dict[str, Any]) -> int:
    """Be the command: its folder, environment, files, arguments. Returns the exit code."""
    import cli

    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    for number, (name, mode) in enumerate((("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))):
        opened = os.open(order[name], mode | (os.O_CREAT if number else 0), 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["dialroom", *order["words"]]
    try:
        cli.app(order["words"])
    except SystemExit as ended:
        code = ended.code
        return code if isinstance(code, int) else int(code is not None)
    except BaseException:  # noqa: BLE001  (what the interpreter would do)
        traceback.print_exc()
        return 1
    return 0


def start(order: dict[str, Any]) -> Running:
    """Fork."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = _OURS
        try:
            code = run_child(order)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code if code < 256 else 255)
    return Running(order, pid, time.monotonic() + order["limit_s"])


def reap(running: list[Running]) -> None:
    """Answer for those that have ended; end those that take too long."""
    for child in list(running):
        child.look()
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        late = time.monotonic() > child.until_s
        if not pid and not late:
            continue
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        if not pid:
            os.waitpid(child.pid, 0)
        running.remove(child)
        code = os.waitstatus_to_exitcode(status) if pid else None
        sys.stdout.write(json.dumps({"id": child.order["id"], "code": code, "lines": sorted(child.lines)}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    preload()
    sys.stdout.write('{"ready": true}\n')
    sys.stdout.flush()
    running: list[Running] = []
    left, is_open = b"", True
    while is_open or running:
        if is_open and select.select([0], [], [], _LOOK_S)[0]:
            read = os.read(0, 1 << 16)
            is_open = bool(read)
            *lines, left = (left + read).split(b"\n")
            running += [start(json.loads(line)) for line in lines]
        elif not is_open:
            time.sleep(_LOOK_S)
        reap(running)


if __name__ == "__main__":
    main()
