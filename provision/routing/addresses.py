"""Allowed addresses as livekit-server 1.13.5 checks them (livekit/protocol, sip/sip.go matchAddrMasks). Pure."""

import ipaddress
from collections.abc import Sequence
from enum import StrEnum

_BROKEN = frozenset("()+*;, \t\n\r")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Admission(StrEnum):
    """Why a source address may call, or that it may not."""

    RANGE = "an allowed range contains it"
    ADDRESS = "it is an allowed address"
    FROM_HOST = "the host in From is an allowed entry"
    OPEN = "every address is allowed"
    NOTHING_READ = "no entry can be read, which LiveKit takes for no list at all"
    NO_SOURCE = "the source address is not known"
    REFUSED = "it is not allowed"


def parse_address(text: str) -> _Address | None:
    """Return an IP address, None for anything else (Go's netip.ParseAddr)."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_read(mask: str) -> bool:
    """Say whether LiveKit looks at an entry at all; whether it means anything is another matter."""
    return not _BROKEN.intersection(mask) and "://" not in mask


def is_forgeable(mask: str) -> bool:
    """Say whether a caller can pass an entry by writing it into From: every one that is no CIDR (measured)."""
    return is_read(mask) and "/" not in mask


def contains(mask: str, address: _Address) -> bool:
    """Say whether an entry names an address, as itself or as a range; a host name never does."""
    if "/" not in mask:
        return parse_address(mask) == address
    network = _parse_network(mask)
    if network is None or getattr(address, "scope_id", None):
        return False
    return address in network


def admit(source_ip: str, from_host: str, masks: Sequence[str]) -> Admission:
    """Return how a list treats a caller; when several entries let him pass, the one that cannot be forged counts."""
    source = parse_address(source_ip)
    if source is None:
        return Admission.NO_SOURCE
    read = [mask for mask in masks if is_read(mask)]
    if not read:
        return Admission.NOTHING_READ if masks else Admission.OPEN
    for mask in sorted(read, key=is_forgeable):
        if contains(mask, source):
            return Admission.ADDRESS if is_forgeable(mask) else Admission.RANGE
    return Admission.FROM_HOST if from_host in read else Admission.REFUSED


def _parse_network(mask: str) -> _Network | None:
    """Go's netip.ParsePrefix: bits may be set behind the prefix; no netmask, no zone, no sign, no leading zero."""
    address, _, bits = mask.rpartition("/")
    if not (bits.isascii() and bits.isdigit()) or (len(bits) > 1 and bits.startswith("0")) or "%" in address:
        return None
    try:
        return ipaddress.ip_network(f"{address}/{bits}", strict=False)
    except ValueError:
        return None
