"""Address ranges from which calls are accepted, written as CIDR only.

LiveKit passes a call when an allowed entry *equals the host that the caller wrote into From*; only an entry with a
slash cannot be forged that way (measured on livekit-server 1.13.5: a bare IP and a host name were both bypassed).
"""

import ipaddress
from typing import Annotated, Final

from pydantic import AfterValidator

VOBIZ_SIGNALLING: Final = (
    "13.203.7.132/32",
    "65.2.100.211/32",
    "13.126.98.234/32",
    "13.235.11.131/32",
    "13.233.44.61/32",
    "3.111.255.163/32",
    "3.111.128.110/32",
    "43.204.64.203/32",
    "15.207.232.91/32",
    "35.154.133.28/32",
)
"""Vobiz's signalling addresses (https://www.vobiz.ai/docs/concepts/ip-whitelisting, seen October 2026)."""

_SHORTEST_PREFIX: Final = 8


def parse_cidr(text: str) -> str:
    """Return an address range in its normal form.

    Raises:
        ValueError: a bare address, a host name, bits set behind the prefix, or a range so wide that it allows everybody
            (a prefix shorter than /8, such as 0.0.0.0/0).
    """
    if "/" not in text:
        raise ValueError(f"{text!r} must be a range like {_as_range(text)}: callers can forge a bare address or a name")
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address range: {error}") from error
    if network.prefixlen < _SHORTEST_PREFIX:
        raise ValueError(f"{text!r} would let almost everybody call; list the carrier's addresses like 13.233.44.61/32")
    return str(network)


def _as_range(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        return "13.233.44.61/32"


Cidr = Annotated[str, AfterValidator(parse_cidr)]
