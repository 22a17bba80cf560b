"""Is the worker of this container well? Exit code 0 or 1, and one line that says why; for the container's HEALTHCHECK.

Workers share the host's network, so each takes a free port for its health page, and nothing is written that would tell
which. The container's own processes tell it: their listening sockets stand in /proc. Linux only; standard library only,
since it is started every few seconds.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
TIMEOUT_S = 3.0
_LISTENING = "0A"  # TCP_LISTEN in the kernel's include/net/tcp_states.h
_LOOPBACK = {"0100007F", "00000000"}  # 127.0.0.1 and any, as /proc/net/tcp writes them on a little-endian machine


def sockets_of(pids: Iterator[str]) -> set[str]:
    """Return the inodes of the sockets that processes hold; processes that are gone or not ours hold none."""
    found: set[str] = set()
    for pid in pids:
        try:
            descriptors = list((PROC / pid / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(target.removeprefix("socket:[").rstrip("]"))
    return found


def listening_ports(inodes: set[str]) -> list[int]:
    """Return the TCP ports (IPv4) on which these sockets listen and that 127.0.0.1 reaches."""
    rows = [line.split() for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]]
    local = [row[1].split(":") for row in rows if row[3] == _LISTENING and row[9] in inodes]
    return sorted({int(port, 16) for address, port in local if address in _LOOPBACK})


def ask(port: int) -> str | None:
    """Return what is wrong with the worker behind a port, "" when it is well, None when there is no worker."""
    try:
        status, body = _get(port, "/worker")
        if status != http.client.OK or "agent_name" not in json.loads(body):
            return None
        status, body = _get(port, "/")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return "" if status == http.client.OK else body.decode(errors="replace")


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main(pids: list[str]) -> int:
    """Look at the given processes, at all that can be seen when none is given."""
    seen = iter(pids or sorted(entry.name for entry in PROC.iterdir() if entry.name.isdigit()))
    for port in listening_ports(sockets_of(seen)):
        wrong = ask(port)
        if wrong is not None:
            sys.stdout.write(f"worker on port {port}: {wrong or 'well'}\n")
            return 1 if wrong else 0
    sys.stdout.write("no worker answers\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
