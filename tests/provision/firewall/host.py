"""A host and the world outside, each a network namespace of its own, joined by a cable; needs no privileges.

Run as ``unshare --user --map-root-user --net --mount python host.py``: reads what to do from standard input, runs
shell commands on the host, sends packets from outside with any source address, and says which of them arrived.
"""

import json
import socket
import subprocess
import sys
from typing import Any

HOST = {4: "10.0.0.1", 6: "fd00::1"}
OUTSIDE = {4: "10.0.0.2", 6: "fd00::2"}
LENGTHS = {4: 24, 6: 64}
MARK_PORT = 9
"""No rule is for it, so what is sent to it last arrives last."""


def family(address: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in address else 4


def sh(command: str) -> str:
    """Run a command and return what it says."""
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{command.splitlines()[0]}: {ended.returncode} {ended.stderr}{ended.stdout}")
    return ended.stdout


def sent_from(peer: subprocess.Popen[str], probe: dict[str, Any]) -> str:
    """Let the world outside send one probe."""
    assert peer.stdin is not None
    assert peer.stdout is not None
    peer.stdin.write(json.dumps(probe) + "\n")
    peer.stdin.flush()
    return peer.stdout.readline().strip()


def arrives(peer: subprocess.Popen[str], probe: dict[str, Any]) -> bool:
    """Whether a probe reaches a program on the host."""
    version = family(probe["source"])
    inet = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
    if probe["protocol"] == "tcp":
        with socket.create_server((HOST[version], probe["port"]), family=inet):
            return sent_from(peer, probe) == "connected"
    with socket.socket(inet, socket.SOCK_DGRAM) as target, socket.socket(inet, socket.SOCK_DGRAM) as mark:
        target.bind((HOST[version], probe["port"]))
        mark.bind((HOST[version], MARK_PORT))
        sent_from(peer, probe)
        mark.settimeout(20)
        mark.recv(100)
        target.setblocking(False)
        try:
            return bool(target.recv(100))
        except BlockingIOError:
            return False


def outside() -> None:
    """Send what is asked for, until standard input ends."""
    for line in sys.stdin:
        probe = json.loads(line)
        source, version = probe["source"], family(probe["source"])
        sh(f"ip addr replace {source}/{32 if version == 4 else 128} dev outside {'nodad' if version == 6 else ''}")
        inet = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
        said = "sent"
        if probe["protocol"] == "tcp":
            with socket.socket(inet, socket.SOCK_STREAM) as out:
                out.bind((source, 0))
                out.settimeout(1)
                try:
                    out.connect((HOST[version], probe["port"]))
                    said = "connected"
                except OSError:
                    said = "dropped"
        else:
            with socket.socket(inet, socket.SOCK_DGRAM) as out:
                out.bind((source, 0))
                out.sendto(b"x", (HOST[version], probe["port"]))
                out.sendto(b"x", (HOST[version], MARK_PORT))
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


def joined() -> subprocess.Popen[str]:
    """Build the cable and return the world outside."""
    peer = subprocess.Popen(
        ["unshare", "--net", sys.executable, __file__, "outside"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    sh(f"while [ /proc/{peer.pid}/ns/net -ef /proc/self/ns/net ]; do sleep 0.01; done")
    sh(f"ip link set lo up; ip link add inside type veth peer name outside netns {peer.pid}")
    into = f"nsenter --net=/proc/{peer.pid}/ns/net"
    for version in HOST:
        nodad = "nodad" if version == 6 else ""
        sh(f"ip addr add {HOST[version]}/{LENGTHS[version]} dev inside {nodad}")
        sh(f"{into} ip addr add {OUTSIDE[version]}/{LENGTHS[version]} dev outside {nodad}")
    sh(f"ip link set inside up; {into} ip link set outside up; {into} ip link set lo up")
    for version in HOST:
        sh(f"ip -{version} route add default dev inside")
    return peer


def done(step: dict[str, Any], peer: subprocess.Popen[str]) -> Any:
    """Do one step and return what it told."""
    return sh(step["sh"]) if "sh" in step else [arrives(peer, probe) for probe in step["probes"]]


def main() -> None:
    """Do the steps of standard input, in order, and tell of each: what a command said, or what arrived."""
    with joined() as peer:
        told = [done(step, peer) for step in json.load(sys.stdin)]
        assert peer.stdin is not None
        peer.stdin.close()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    outside() if "outside" in sys.argv else main()
