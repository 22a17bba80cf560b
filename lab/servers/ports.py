"""Free ports on loopback. A port handed out is not handed out again by this process."""

from __future__ import annotations

import random
import socket
from typing import Literal

_given: set[int] = set()
_random = random.SystemRandom()  # test processes with one seed would all try the same ports
_RANGE_FLOOR, _RANGE_CEILING = 20_000, 32_000  # below Linux's ephemeral range, so outgoing sockets do not land in it


def free_port(kind: Literal["tcp", "udp", "both"] = "tcp", host: str = "127.0.0.1") -> int:
    """Return a port on which nothing listens at `host`.

    `both` is free for UDP and TCP alike: livekit-sip and livekit-server bind their SIP and RTC ports on both.
    """
    for _ in range(200):
        port = _random.randint(_RANGE_FLOOR, _RANGE_CEILING)
        if port not in _given and _is_free(kind, host, port):
            _given.add(port)
            return port
    raise OSError(f"no free {kind} port between {_RANGE_FLOOR} and {_RANGE_CEILING} on {host}")


def free_udp_range(count: int, host: str = "127.0.0.1") -> tuple[int, int]:
    """Return (first, last) of `count` neighbouring free UDP ports; `first` is even (RFC 3550 section 11)."""
    for _ in range(200):
        first = _random.randrange(_RANGE_CEILING, 60_000 - count, 2)
        wanted = range(first, first + count)
        if not _given.intersection(wanted) and all(_is_free("udp", host, port) for port in wanted):
            _given.update(wanted)
            return first, first + count - 1
    raise OSError(f"no {count} neighbouring free UDP ports on {host}")


def is_taken(port: int, kind: Literal["tcp", "udp", "both"] = "tcp", host: str = "127.0.0.1") -> bool:
    """Say whether something already listens on `port`."""
    return not _is_free(kind, host, port)


def _is_free(kind: str, host: str, port: int) -> bool:
    kinds = {"tcp": [socket.SOCK_STREAM], "udp": [socket.SOCK_DGRAM]}.get(kind, [socket.SOCK_STREAM, socket.SOCK_DGRAM])
    for socket_type in kinds:
        with socket.socket(socket.AF_INET, socket_type) as probe:
            if socket_type == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
