"""SIP headers ↔ participant attributes, as a trunk's settings map them."""

from __future__ import annotations

from collections.abc import Mapping

from sipmessage import Request

_X_HEADERS, _ALL_HEADERS = 1, 2  # livekit.SIPHeaderOptions


def attributes_from(request: Request, mapping: Mapping[str, str], include: int) -> dict[str, str]:
    """Return attributes for a request's headers: those that are mapped, and `sip.h.<name>` for those to include."""
    found: dict[str, str] = {}
    by_name = {name.lower(): attribute for name, attribute in mapping.items()}
    for name, value in _items(request):
        lower = name.lower()
        if lower in by_name:
            found[by_name[lower]] = value
        if include == _ALL_HEADERS or (include == _X_HEADERS and lower.startswith("x-")):
            found[f"sip.h.{lower}"] = value
    return found


def headers_from(attributes: Mapping[str, str], mapping: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return headers for a participant's attributes, for a 200, a BYE or a REFER."""
    return [(header, attributes[name]) for name, header in mapping.items() if attributes.get(name)]


def _items(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name in request.headers.keys() for value in request.headers.getlist(name)]  # noqa: SIM118
