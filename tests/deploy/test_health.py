"""deploy/health.py finds the worker of a container by its open port, whatever port that is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.servers.process import child

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "health.py"
# The two pages of a livekit-agents worker, on a free port; the arguments are the status of "/" and what "/worker" says.
WORKER = """
import http.server, sys

class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1]) if self.path == "/" else 200)
        self.end_headers()
        self.wfile.write(b"the reason" if self.path == "/" else sys.argv[2].encode())

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Pages)
print('{"ready": true}', flush=True)
server.serve_forever()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@asynccontextmanager
async def worker(
    tmp_path: Path, *, status: int = 200, info: str = '{"agent_name": "dialroom-demo"}'
) -> AsyncIterator[str]:
    """Run a process with those pages; yields its id."""
    argv = [sys.executable, "-c", WORKER, str(status), info]
    async with child("pages", argv, log_path=tmp_path / "pages.log") as running:
        await running.ready(timeout_s=20)
        yield str(running.pid)


def health(*pids: str) -> tuple[int, str]:
    """Run the check as a container does, for these processes only."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *pids], capture_output=True, text=True, check=False, timeout=30
    )
    assert not done.stderr
    return done.returncode, done.stdout


async def test_a_worker_that_answers_is_well(tmp_path: Path) -> None:
    """Exit 0, and the line names the port that was found."""
    async with worker(tmp_path) as pid:
        code, line = health(pid)
    assert (code, line.split(" on port ")[0], line.endswith(": well\n")) == (0, "worker", True)


async def test_a_worker_that_says_what_is_wrong_is_not_well(tmp_path: Path) -> None:
    """Exit 1 with the worker's own words."""
    async with worker(tmp_path, status=503) as pid:
        code, line = health(pid)
    assert code == 1
    assert "the reason" in line


async def test_another_web_server_is_no_worker(tmp_path: Path) -> None:
    """What listens but has no worker's page does not count."""
    async with worker(tmp_path, info="<html>") as pid:
        assert health(pid) == (1, "no worker answers\n")


async def test_a_process_that_does_not_listen_is_no_worker(tmp_path: Path) -> None:
    """While a worker starts, or when its server is gone."""
    async with child("sleep", ["sleep", "60"], log_path=tmp_path / "sleep.log") as running:
        assert health(str(running.pid)) == (1, "no worker answers\n")


async def test_the_worker_is_found_among_other_processes(tmp_path: Path) -> None:
    """A container holds more processes than the worker, and some end while they are looked at."""
    async with worker(tmp_path, info="{}") as other, worker(tmp_path) as pid:
        assert health("999999999", other, pid)[0] == 0
