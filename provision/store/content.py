"""Snapshot content as bytes: JSON text, compressed, with the sha256 of the text. Pure."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Packed:
    """What is stored; `checksum` is the text's, before compression."""

    data: bytes
    checksum: str


class ContentError(Exception):
    """What was read is not what was packed; the text says in what way."""


def pack(fields: Mapping[str, Any]) -> Packed:
    """Write JSON values; equal ones give equal checksums.

    Raises:
        TypeError, ValueError: they are no JSON values.
    """
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    return Packed(zlib.compress(text), hashlib.sha256(text).hexdigest())


def unpack(packed: Packed) -> dict[str, Any]:
    """Read what `pack` wrote.

    Raises:
        ContentError: it is not that.
    """
    try:
        text = zlib.decompress(packed.data)
    except zlib.error:
        raise ContentError("it cannot be decompressed") from None
    if hashlib.sha256(text).hexdigest() != packed.checksum:
        raise ContentError("its checksum is another")
    fields: dict[str, Any] = json.loads(text)
    return fields
