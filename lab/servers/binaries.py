"""Finding livekit-server and livekit-sip, and building the first with Go when it is nowhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from telephony.errors import WorldError

LIVEKIT_SERVER_VERSION = "v1.13.5"  # newest that `go install` accepts: later go.mod files have replace directives
LIVEKIT_SERVER_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@{LIVEKIT_SERVER_VERSION}"
MIN_GO = (1, 26)
# How many packages and modules a cold build names, so that progress can be a fraction. Only ever used for display.
_EXPECTED_STEPS = 900

Progress = Callable[[str, float], None]
"""Called with a short text and a fraction between 0 and 1."""


class BinaryMissingError(WorldError):
    """A server binary is not there and cannot be made."""


def cache_dir() -> Path:
    """Return the folder for built servers and voices: DIALROOM_CACHE, or `dialroom` under XDG_CACHE_HOME."""
    if own := os.environ.get("DIALROOM_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dialroom"


def find_livekit_server() -> Path:
    """Return livekit-server: LIVEKIT_SERVER_BIN, else on PATH, else in the cache. Raises BinaryMissingError."""
    if path := _named("LIVEKIT_SERVER_BIN", "livekit-server"):
        return path
    if (built := _built_server()).exists():
        return built
    raise BinaryMissingError(
        "livekit-server is not there: run `make setup` (builds it with Go), or set LIVEKIT_SERVER_BIN"
    )


def find_livekit_sip() -> Path | None:
    """Return a real livekit-sip: LIVEKIT_SIP_BIN, else on PATH, else None. Raises BinaryMissingError."""
    return _named("LIVEKIT_SIP_BIN", "livekit-sip")


def ensure_livekit_server(progress: Progress | None = None) -> Path:
    """Return livekit-server, building it into the cache when it is nowhere. Raises BinaryMissingError.

    A cold build takes about two minutes on two cores; `progress` is called for every module and package.
    """
    if path := _named("LIVEKIT_SERVER_BIN", "livekit-server"):
        return path
    target = _built_server()
    if not target.exists():
        _go_install(target, _checked_go(), progress or (lambda _text, _fraction: None))
    return target


def _built_server() -> Path:
    return cache_dir() / "bin" / f"livekit-server-{LIVEKIT_SERVER_VERSION}"


def _named(variable: str, program: str) -> Path | None:
    if named := os.environ.get(variable):
        path = Path(named).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise BinaryMissingError(f"{variable}={named} is not a program that can be run: mend it, or unset it")
        return path
    found = shutil.which(program)
    return Path(found) if found else None


def _checked_go() -> str:
    wanted = ".".join(map(str, MIN_GO))
    go = shutil.which("go")
    if not go:
        raise BinaryMissingError(
            f"Go is missing: install Go {wanted} or newer (https://go.dev/dl), or set LIVEKIT_SERVER_BIN"
        )
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.match(r"go(\d+)\.(\d+)", answer.stdout.strip())
    if not version or tuple(map(int, version.groups())) < MIN_GO:
        found = answer.stdout.strip() or "an unknown version"
        raise BinaryMissingError(
            f"Go is too old ({found}): livekit-server needs Go {wanted} or newer (https://go.dev/dl)"
        )
    return go


def _go_install(target: Path, go: str, progress: Progress) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        environ = os.environ | {"GOBIN": scratch, "GOFLAGS": "", "CGO_ENABLED": "0"}
        build = subprocess.Popen(  # noqa: S603
            [go, "install", "-v", LIVEKIT_SERVER_PACKAGE],
            env=environ,
            cwd=scratch,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        last = _follow(build, progress)
        if build.wait() != 0:
            raise BinaryMissingError(f"building livekit-server {LIVEKIT_SERVER_VERSION} failed: {last}")
        (Path(scratch) / ("server.exe" if sys.platform == "win32" else "server")).replace(target)


def _follow(build: subprocess.Popen[str], progress: Progress) -> str:
    assert build.stderr is not None
    last = "go printed nothing"
    try:
        for step, line in enumerate(build.stderr, start=1):
            last = line.strip() or last
            progress(last.removeprefix("go: "), min(step / _EXPECTED_STEPS, 0.99))
    except BaseException:
        build.kill()
        build.wait()
        raise
    return last
