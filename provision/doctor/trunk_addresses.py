"""Whether an inbound trunk lets in strangers, or nobody. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

from provision.routing.addresses import is_forgeable, is_read

SHORTEST_PREFIX: Final = 8
"""A range with a shorter one lets in almost everybody; the manifest takes none."""


def weakness(allowed: Sequence[str]) -> str | None:
    """Say what is wrong with a trunk's allowed addresses, None when they are ranges that name somebody.

    How LiveKit reads them: `provision.routing.addresses`.
    """
    if not allowed:
        return "It names no addresses: everybody may call."
    read = [entry for entry in allowed if is_read(entry)]
    if not read:
        return f"LiveKit can read none of {', '.join(allowed)}, and so lets everybody call."
    if wide := [entry for entry in read if _is_wide(entry)]:
        return f"It lets in almost everybody: {', '.join(wide)}."
    if forgeable := [entry for entry in read if is_forgeable(entry)]:
        return f"A caller passes {', '.join(forgeable)} by writing it into From; only ranges like 13.233.44.61/32 hold."
    if all(_prefix(entry) is None for entry in read):
        return f"{', '.join(allowed)} is no range of addresses: nobody may call."
    return None


def _is_wide(entry: str) -> bool:
    prefix = _prefix(entry)
    return prefix is not None and prefix < SHORTEST_PREFIX


def _prefix(entry: str) -> int | None:
    """Return the length of a range's prefix, None for an entry that is no range."""
    try:
        return ip_network(entry, strict=False).prefixlen if "/" in entry else None
    except ValueError:
        return None
