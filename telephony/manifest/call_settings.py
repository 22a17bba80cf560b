"""How the calls of a number are treated. Equal settings share a trunk."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from telephony.legs import RESERVED_ATTRIBUTES
from telephony.manifest.entry import Entry
from telephony.numbers import NumberError, parse_number

Codec = Literal["PCMU", "PCMA", "G722"]
Encryption = Literal["disable", "allow", "require"]
RING_S: Final = 30

_TOKEN: Final = re.compile(r"[A-Za-z0-9!%*_+`'.~-]{1,255}", re.ASCII)
"""RFC 3261 section 25.1, token."""
# fmt: off
_RESERVED: Final = frozenset({
    "accept", "accept-contact", "accept-encoding", "accept-language", "allow", "allow-events", "call-id",
    "contact", "content-disposition", "content-encoding", "content-language", "content-length",
    "content-type", "cseq", "event", "expires", "from", "max-forwards", "record-route", "refer-to",
    "reply-to", "route", "to", "via",
})
# fmt: on
"""What livekit-server refuses as the name of an extra header (livekit/protocol, sip_validation.go)."""


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberError as error:
        raise ValueError(str(error)) from error


def _unquoted(value: object) -> object:
    """A number without quotes and plus sign is an integer to YAML."""
    return str(value) if type(value) is int else value


Number = Annotated[str, BeforeValidator(_unquoted), AfterValidator(_number)]


def check_mapping(given: dict[str, str]) -> dict[str, str]:
    """Return header → attribute as it is. Raises ValueError for a header or an attribute that cannot be one."""
    for header, attribute in given.items():
        if not isinstance(header, str) or not _TOKEN.fullmatch(header) or header.lower() in _RESERVED:
            raise ValueError(f"{header!r} cannot be used as a header; write one like X-Clinic")
        if not attribute or str(attribute).lower().startswith(RESERVED_ATTRIBUTES):
            raise ValueError(f"a caller may not set the attribute {attribute!r}; write one of your own, like clinic")
    return given


def _pairs(given: Any) -> Any:
    return tuple(sorted(check_mapping(given).items())) if isinstance(given, dict) else given


class Limits(Entry):
    """What a call may take. `max_call_s` 0 is no limit; without `callers`, everybody may call."""

    max_call_s: int = Field(0, ge=0, le=86400)
    ring_s: int = Field(RING_S, ge=1, le=180)
    callers: tuple[Number, ...] = ()


class CallSettings(Entry):
    """Everything of a number but its route and labels. Without `codecs`, LiveKit offers its own."""

    limits: Limits = Limits()
    codecs: tuple[Codec, ...] = ()
    media_encryption: Encryption = "disable"
    headers_to_attributes: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs)] = ()
    krisp: bool = False
