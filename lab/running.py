"""The note that a running `dialroom up` leaves in the working folder, so that `dialroom call` finds it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOTE = Path(".dialroom") / "up.json"
RUNS = Path(".dialroom") / "runs"
KEPT_RUNS = 20


def new_run_dir(kind: str, base: Path | None = None) -> Path:
    """Return a fresh folder for the logs and recordings of a run, and forget all but the newest `KEPT_RUNS`."""
    runs = (base or Path.cwd()) / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    for old in sorted(runs.iterdir())[:-KEPT_RUNS]:
        _remove(old)
    path = runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{os.getpid()}"
    path.mkdir()
    return path


def shown(path: str | Path) -> str:
    """Return a path as a person in the working folder would write it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def announced(ready_line: Mapping[str, Any], base: Path | None = None) -> Iterator[None]:
    """Keep the note for as long as the block lasts. It holds keys, so only its owner may read it."""
    note = (base or Path.cwd()) / NOTE
    note.parent.mkdir(parents=True, exist_ok=True)
    scratch = note.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({**ready_line, "pid": os.getpid()}, file)
    scratch.replace(note)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if json.loads(note.read_text()).get("pid") == os.getpid():
                note.unlink()


def find_running(base: Path | None = None) -> dict[str, Any] | None:
    """Return the ready line of a stack that runs now, or None."""
    try:
        note: dict[str, Any] = json.loads(((base or Path.cwd()) / NOTE).read_text())
        os.kill(int(note["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return note


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
