"""Channel names, ids and the envelope."""

from __future__ import annotations

import secrets
import string
from typing import Any

from lab.psrpc.messages import ENVELOPE

_TYPE_URL = "type.googleapis.com/internal."
_ALPHABET = string.ascii_letters + string.digits


def channel(*parts: str) -> str:
    """Return a Redis channel: parts joined by `|`, empty ones left out, foreign characters as u+xxxx."""
    return "|".join(_escaped(part) for part in parts if part)


def _escaped(part: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else _code_point(ord(c)) for c in part)


def _code_point(number: int) -> str:
    return f"u+{number:04x}" if number < 0x10000 else f"U+{number:08x}"


def new_id(prefix: str) -> str:
    """Return `prefix` and twelve random letters and digits, as LiveKit's ids are."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def pack(name: str, **fields: Any) -> bytes:
    """Return an envelope message inside psrpc's `Msg`."""
    value = ENVELOPE[name](**fields).SerializeToString()
    return bytes(ENVELOPE["Msg"](type_url=_TYPE_URL + name, value=value).SerializeToString())


def unpack(data: bytes) -> Any:
    """Return the envelope message inside a `Msg`. Raises KeyError or DecodeError for anything else."""
    message = ENVELOPE["Msg"].FromString(data)
    return ENVELOPE[message.type_url.removeprefix(_TYPE_URL)].FromString(message.value)


def name_of(message: Any) -> str:
    """Return which envelope message this is."""
    return str(message.DESCRIPTOR.name)
