"""The real tools: where they are, and namespaces in which they need no privileges."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provision.firewall.openings import Openings, openings

PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
ALONE = ("unshare", "--user", "--map-root-user", "--net", "--mount")
HOST = Path(__file__).with_name("host.py")
LIMIT_S = 120


def need(*names: str) -> None:
    """Skip the test, saying so, where a tool is missing."""
    missing = [name for name in names if shutil.which(name, path=PATH) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")


def need_namespaces() -> None:
    """Skip the test, saying so, where a user may have no namespaces (some containers)."""
    need("unshare", "nsenter", "ip")
    if ran([*ALONE, "ip", "link", "add", "inside", "type", "veth", "peer", "name", "outside"]).returncode:
        pytest.skip("no user and network namespaces with veth here")


def ran(command: Sequence[str], *, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    env = {**os.environ, "PATH": PATH, **environ}
    return subprocess.run(
        [*command], input=stdin, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=env
    )


def on_a_host(*steps: dict[str, Any]) -> list[Any]:
    """Do steps on a host of its own (see `tests.provision.firewall.host`); return what each one told."""
    need_namespaces()
    done = ran([*ALONE, sys.executable, str(HOST)], stdin=json.dumps(steps))
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def some_openings(**changed: Any) -> Openings:
    """Return few addresses of both families, so that slow tools have little to do."""
    given: dict[str, Any] = {
        "signalling": ("13.203.7.132/32", "2001:db8:5::/64"),
        "media": ("18.96.230.96/28", "2001:db8:6::1"),
        "tls_port": 5061,
    }
    return openings(**given | changed)
