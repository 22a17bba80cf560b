"""What is let in: which addresses may send to which ports of livekit-sip. Pure.

Ports: livekit-sip takes SIP on 5060 over UDP and TCP, over TLS on 5061 where it is configured, and RTP on 10000-20000
over UDP (https://docs.livekit.io/transport/self-hosting/sip-server, …/ports-firewall). Addresses:
https://www.vobiz.ai/docs/concepts/ip-whitelisting, seen October 2026; media has addresses of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal

from telephony.errors import UserError
from telephony.manifest.cidr import VOBIZ_SIGNALLING, parse_cidr

VOBIZ_MEDIA: Final = (
    "3.110.99.6/32",
    "65.1.145.87/32",
    "13.234.214.51/32",
    "13.200.197.87/32",
    "13.202.13.57/32",
    "18.96.230.96/28",
    "18.96.230.112/28",
    "18.96.230.208/29",
    "18.96.232.168/29",
)
"""Where Vobiz's RTP comes from and goes to (same page); their ports are 5000-65535, so source ports are not asked."""

SOURCE: Final = "https://www.vobiz.ai/docs/concepts/ip-whitelisting"
SEEN: Final = "October 2026"
DEFAULT_SIP_PORT: Final = 5060
DEFAULT_RTP: Final = "10000-20000"

Network = IPv4Network | IPv6Network
Protocol = Literal["udp", "tcp"]
Role = Literal["signalling", "media"]
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of traffic: these sources may send to these ports; other sources may not."""

    role: Role
    protocol: Protocol
    ports: PortRange
    sources: tuple[Network, ...]

    def from_family(self, version: int) -> tuple[Network, ...]:
        """Return the sources of IPv4 or IPv6."""
        return tuple(source for source in self.sources if source.version == version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Sources and ports, as `openings` has checked them. `tls` is None when livekit-sip takes no TLS."""

    signalling: tuple[Network, ...]
    media: tuple[Network, ...]
    sip: PortRange
    tls: PortRange | None
    rtp: PortRange

    @property
    def services(self) -> tuple[Service, ...]:
        """Everything that is let in."""
        tls = (Service("signalling", "tcp", self.tls, self.signalling),) if self.tls else ()
        return (
            Service("signalling", "udp", self.sip, self.signalling),
            Service("signalling", "tcp", self.sip, self.signalling),
            *tls,
            Service("media", "udp", self.rtp, self.media),
        )

    @property
    def documented(self) -> frozenset[Role]:
        """For which roles the addresses are exactly those that Vobiz documents."""
        known: dict[Role, bool] = {
            "signalling": set(self.signalling) == set(_networks("", VOBIZ_SIGNALLING)),
            "media": set(self.media) == set(_networks("", VOBIZ_MEDIA)),
        }
        return frozenset(role for role, holds in known.items() if holds)


def openings(
    *,
    signalling: Iterable[str] = VOBIZ_SIGNALLING,
    media: Iterable[str] = VOBIZ_MEDIA,
    sip_port: int = DEFAULT_SIP_PORT,
    tls_port: int | None = None,
    rtp: str = DEFAULT_RTP,
) -> Openings:
    """Check addresses and ports. Addresses are CIDR or bare; `rtp` is ``FIRST-LAST``.

    An address that another range contains is left out; nothing else is merged, so that the rules can be compared with
    Vobiz's page line by line.

    Raises:
        UserError: no address, a range so wide that it lets everybody in, a port that is none, or ports that overlap.
    """
    sip, tls = _port("--sip-port", sip_port), None if tls_port is None else _port("--tls-port", tls_port)
    media_ports = parse_ports(rtp)
    if sip_port in media_ports:
        raise UserError(f"--rtp {media_ports} contains the SIP port {sip_port}: a port is for SIP or for media")
    if tls_port == sip_port:
        raise UserError(f"--tls-port and --sip-port are both {sip_port}: over TCP only one of them can listen there")
    return Openings(
        signalling=_networks("--signalling", signalling),
        media=_networks("--media", media),
        sip=sip,
        tls=tls,
        rtp=media_ports,
    )


def parse_ports(text: str) -> PortRange:
    """Return the ports of ``FIRST-LAST`` or of a single port.

    Raises:
        UserError: something else, or ports that do not exist.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!r} is no range of ports; write it like {DEFAULT_RTP}")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= 65535:
        raise UserError(f"{text!r} is no range of ports: they go from 1 to 65535, the lower one first")
    return PortRange(first, last)


def _port(option: str, port: int) -> PortRange:
    if not 1 <= port <= 65535:
        raise UserError(f"{option} {port} is no port: they go from 1 to 65535")
    return PortRange(port, port)


def _networks(option: str, texts: Iterable[str]) -> tuple[Network, ...]:
    try:
        found = dict.fromkeys(ip_network(parse_cidr(_with_prefix(text))) for text in texts)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None
    if not found:
        raise UserError(f"{option}: no address is left, so no call could come through")
    return tuple(one for one in found if not any(_inside(one, other) for other in found if other != one))


def _with_prefix(text: str) -> str:
    """Unlike LiveKit's list, a firewall compares a bare address with the packet's, so it may be written without /32."""
    try:
        return text if "/" in text else str(ip_network(text))
    except ValueError:
        return text


def _inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)
