"""The SIP side of the stack: a real livekit-sip where one is found, the lab's own gateway everywhere else.

Both start from the same file, the repository's sip.yaml with everything bound to loopback.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from lab.servers.binaries import BinaryMissingError, find_livekit_sip
from lab.servers.livekit import ROOT, LiveKit, http_ok
from lab.servers.ports import free_port, free_udp_range, is_taken
from lab.servers.process import Child, child
from telephony.errors import WorldError

GatewayKind = Literal["lab", "livekit-sip"]
RTP_PORTS = 400  # livekit-sip keeps a closed call's port reserved for a while


class SipPortTakenError(WorldError):
    """Something else listens where the SIP node should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipNode:
    """Where INVITEs go, and which program takes them."""

    kind: GatewayKind
    address: str
    process: Child


def choose_gateway(wanted: str = "auto") -> GatewayKind:
    """Turn `auto`, `lab` or `livekit-sip` into the kind to start. Raises BinaryMissingError."""
    if wanted == "lab":
        return "lab"
    if find_livekit_sip():
        return "livekit-sip"
    if wanted == "livekit-sip":
        raise BinaryMissingError("no livekit-sip: put it on PATH, or set LIVEKIT_SIP_BIN, or use --gateway lab")
    return "lab"


def sip_config(livekit: LiveKit, *, sip_port: int, health_port: int, rtp_ports: tuple[int, int]) -> dict[str, Any]:
    """Return the lab's configuration: sip.yaml on loopback, never refusing a call because the machine is busy."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "sip.yaml").read_text())
    config.pop("use_external_ip", None)
    return config | {
        "api_key": livekit.api_key,
        "api_secret": livekit.api_secret,
        "ws_url": livekit.url,
        "redis": {"address": livekit.redis_address},
        "sip_port": sip_port,
        "listen_ip": "127.0.0.1",
        "nat_1_to_1_ip": "127.0.0.1",
        "local_net": "127.0.0.0/8",
        "rtp_port": f"{rtp_ports[0]}-{rtp_ports[1]}",
        "health_port": health_port,
        "prometheus_port": 0,
        "max_cpu_utilization": 1,
        "rtp_draining_idle_timeout": "1s",
        "rtp_draining_duration": "2s",
    }


def check_sip_port(port: int | None, kind: GatewayKind) -> None:
    """Raise SipPortTakenError when a SIP node of this kind could not listen there; None is any free port."""
    if port and is_taken(port, "udp" if kind == "lab" else "both"):
        raise SipPortTakenError(f"the SIP port {port} is in use: end what listens there, or choose another one")


@asynccontextmanager
async def sip_node(
    run_dir: Path,
    livekit: LiveKit,
    *,
    kind: GatewayKind,
    sip_port: int | None = None,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[SipNode]:
    """Run the SIP node on 127.0.0.1 (a free port unless `sip_port` is given) and wait until it takes calls.

    Raises SipPortTakenError, ChildError.
    """
    check_sip_port(sip_port, kind)
    port, health_port = sip_port or free_port("both"), free_port()
    config = sip_config(livekit, sip_port=port, health_port=health_port, rtp_ports=free_udp_range(RTP_PORTS))
    path = run_dir / "sip.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    async with child(kind, _argv(kind, path), log_path=run_dir / "sip.log", env=env) as process:
        if kind == "lab":
            await process.ready(timeout_s=60)
        else:

            async def healthy() -> bool:
                return await asyncio.to_thread(http_ok, f"http://127.0.0.1:{health_port}/")

            await process.until(healthy, timeout_s=30)
        yield SipNode(kind=kind, address=f"127.0.0.1:{port}", process=process)


def _argv(kind: GatewayKind, config: Path) -> list[str]:
    if kind == "lab":
        return [sys.executable, "-m", "lab.gateway", "--config", str(config)]
    return [str(find_livekit_sip()), "--config", str(config)]
