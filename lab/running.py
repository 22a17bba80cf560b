"""The note that a running `dialroom up` leaves in the working folder, so that `dialroom call` finds it."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from telephony.errors import WorldError

NOTE = Path(".dialroom") / "up.json"
ENVIRON = Path(".dialroom") / "up.env"
RUNS = Path(".dialroom") / "runs"
KEPT_RUNS = 20


def new_run_dir(kind: str, base: Path | None = None) -> Path:
    """Return a fresh folder for the logs and recordings of a run, and forget all but the newest `KEPT_RUNS`.

    Raises WorldError when the working folder cannot hold it.
    """
    try:
        runs = (base or Path.cwd()) / RUNS
        runs.mkdir(parents=True, exist_ok=True)
        for old in sorted(runs.iterdir())[:-KEPT_RUNS]:
            _remove(old)
        path = runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{os.getpid()}"
        path.mkdir(mode=0o700)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise WorldError(f"{RUNS} cannot be made in the working folder ({why}): change to a folder of yours") from None
    return path


def shown(path: str | Path) -> str:
    """Return a path as a person in the working folder would write it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@contextmanager
def announced(ready_line: Mapping[str, Any], environ: Mapping[str, str], base: Path | None = None) -> Iterator[None]:
    """Keep the note, and a file of settings for a shell, for as long as the block lasts.

    Both hold keys of the stack, so only their owner may read them. Raises WorldError when another stack runs here.
    """
    folder = base or Path.cwd()
    note, settings = folder / NOTE, folder / ENVIRON
    if (other := find_running(base)) is not None:
        told = f"`dialroom up` runs in this folder already (process {other['pid']})"
        raise WorldError(f"{told}: end it, or change the folder")
    note.parent.mkdir(parents=True, exist_ok=True)
    _write(settings, "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(environ.items())))
    own = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    _write(note, json.dumps({**ready_line, **own}))
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if json.loads(note.read_text()).get("pid") == os.getpid():
                note.unlink()
                settings.unlink()


def _write(path: Path, text: str) -> None:
    """Write a file in one step that only its owner may read."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    scratch.replace(path)


def find_running(base: Path | None = None) -> dict[str, Any] | None:
    """Return the ready line of a stack that runs now, or None."""
    try:
        note: dict[str, Any] = json.loads(((base or Path.cwd()) / NOTE).read_text())
        alive = psutil.Process(note["pid"]).create_time() == note["started"]  # a number may be used again
        told = all(isinstance(note[key], str) for key in ("calls_to", "via", "speech_url"))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError, psutil.Error):
        return None
    return note if alive and told else None


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
