"""Secrets made for one test, and a search that finds them, or any piece of them, in every common encoding. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

NAMES: Final = (
    "LIVEKIT_API_SECRET",
    "VOBIZ_AUTH_TOKEN",
    "CARRIER_PASSWORD",
    "password file",
    "DEEPGRAM_API_KEY",
    "OPENAI_API_KEY",
    "DIALROOM_STATE",
    "CRM_KEY",
    "TOOL_TOKEN",
    ".env",
    ".env token",
    "address",
    "proxy",
    ".netrc",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
    "up.json",
    "wrong LIVEKIT_API_SECRET",
)
SPICE: Final = '/+="<&%\\'
"""What encoders change."""
PIECE: Final = 10
"""So many characters of a secret in a row are too many."""
_TOKEN: Final = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")


def new_secret() -> str:
    """Return a secret with everything that is awkward in a text, between two halves that no encoder changes."""
    return f"{secrets.token_hex(6)}{SPICE}{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Canaries:
    """The secrets of one test, by name."""

    by_name: dict[str, str] = field(default_factory=lambda: {name: new_secret() for name in NAMES})

    def __getitem__(self, name: str) -> str:
        return self.by_name[name]

    def found(self, told: bytes) -> list[str]:
        """Return the names of the secrets that a text tells, whole or in part, and of LiveKit's tokens."""
        lowered = told.lower()
        names = [name for name, pieces in self._pieces.items() if any(piece in lowered for piece in pieces)]
        return [*names, "a token of LiveKit"] if _TOKEN.search(told) else names

    @cached_property
    def _pieces(self) -> dict[str, frozenset[bytes]]:
        """Pieces that tell which secret they are of: those that are mostly spice are left out."""
        pieces = {
            name: {piece.lower().encode() for form, size in forms(secret) for piece in _windows(form, size)}
            for name, secret in self.by_name.items()
        }
        owners = Counter(piece for found in pieces.values() for piece in found)
        return {name: frozenset(piece for piece in found if owners[piece] == 1) for name, found in pieces.items()}


def forms(secret: str) -> Iterator[tuple[str, int]]:
    """Yield a secret as encoders write it, each with the length of a piece that tells too much."""
    raw = secret.encode()
    plain = {secret, json.dumps(secret)[1:-1], html.escape(secret), repr(secret)[1:-1], shlex.quote(secret)}
    plain |= {quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe=""), safe="")}
    for form in sorted(plain):
        yield form, PIECE
    yield raw.hex(), 2 * PIECE
    yield "".join(f"%{byte:02x}" for byte in raw), 3 * PIECE
    yield "".join(f"\\x{byte:02x}" for byte in raw), 4 * PIECE
    yield "".join(f"\\u{byte:04x}" for byte in raw), 6 * PIECE
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode()
        inner = coded[4 if before else 0 : -4]  # what does not depend on the neighbours
        yield inner, PIECE + 4
        yield inner.replace("+", "-").replace("/", "_"), PIECE + 4


def _windows(text: str, size: int) -> Iterator[str]:
    for start in range(max(len(text) - size, 0) + 1):
        yield text[start : start + size]
