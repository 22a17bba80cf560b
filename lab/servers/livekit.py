"""The real livekit-server on loopback, from the repository's livekit.yaml with ports and keys of its own."""

from __future__ import annotations

import asyncio
import secrets
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.servers.binaries import find_livekit_server
from lab.servers.ports import free_port
from lab.servers.process import OnStart, child, ignored

SERVER_GRACE_S = 0.5  # it would wait for rooms to empty; nothing of the lab outlives the run
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKit:
    """A running livekit-server: where it listens and what opens it."""

    url: str
    http_url: str
    api_key: str
    api_secret: str
    redis_url: str

    @property
    def redis_address(self) -> str:
        """`host:port`, as LiveKit's configuration files want it."""
        return self.redis_url.removeprefix("redis://")


def livekit_config(
    *, port: int, rtc_tcp_port: int, rtc_udp_port: int, redis_address: str, key: str, secret: str, webhooks: str = ""
) -> dict[str, Any]:
    """Return the lab's configuration: livekit.yaml with everything bound to loopback."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    config |= {"port": port, "bind_addresses": ["127.0.0.1"], "keys": {key: secret}}
    config["redis"] = {"address": redis_address}
    config["rtc"] = {
        "tcp_port": rtc_tcp_port,
        "udp_port": rtc_udp_port,
        "node_ip": "127.0.0.1",
        "use_external_ip": False,
        "enable_loopback_candidate": True,
        "interfaces": {"includes": ["lo", "lo0"]},
    }
    if webhooks:
        config["webhook"] = {"api_key": key, "urls": [webhooks]}
    return config


@asynccontextmanager
async def livekit_server(
    run_dir: Path, *, redis_url: str, on_start: OnStart = ignored, webhooks: str = ""
) -> AsyncIterator[LiveKit]:
    """Run livekit-server on free ports of 127.0.0.1 beside the Redis at `redis_url`. `on_start` gets the process;
    `webhooks` is where it tells what happens ("" nowhere).

    Raises ChildError.
    """
    port, key, secret = free_port(), f"API{secrets.token_hex(6)}", secrets.token_hex(24)
    address = redis_url.removeprefix("redis://")
    config = livekit_config(
        port=port,
        rtc_tcp_port=free_port(),
        rtc_udp_port=free_port("udp"),
        redis_address=address,
        key=key,
        secret=secret,
        webhooks=webhooks,
    )
    path = run_dir / "livekit.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    binary = find_livekit_server()
    async with child(
        "livekit-server", [str(binary), "--config", str(path)], log_path=run_dir / "livekit.log", grace_s=SERVER_GRACE_S
    ) as server:
        on_start(server)
        http_url = f"http://127.0.0.1:{port}"

        async def answers() -> bool:
            return await asyncio.to_thread(http_ok, http_url)

        await server.until(answers, timeout_s=30)
        yield LiveKit(
            url=f"ws://127.0.0.1:{port}", http_url=http_url, api_key=key, api_secret=secret, redis_url=redis_url
        )


def http_ok(url: str) -> bool:
    """Say whether a GET of `url` (loopback) answers 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  (loopback, our own server)
            return bool(answer.status == 200)
    except OSError:
        return False
