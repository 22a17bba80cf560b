"""Numbers as livekit-server 1.13.5 compares them (livekit/protocol 28e604c046c6, livekit/sip.go NormalizeNumber). Pure.

`provision.livekit_numbers.normal` is for what we write ourselves; this one is exact for whatever anybody wrote.
"""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\+?[0-9\- ()]+", re.ASCII)
_SEPARATORS = str.maketrans("", "", " -()")


def normalise(text: str) -> str:
    """Return the form that is compared: separators removed, plus sign added; a text that is no number stays.

    ``00`` and ``0`` in front are not understood: ``0807…`` becomes ``+0807…``.
    """
    if not _NUMBER.fullmatch(text):
        return text
    bare = text.translate(_SEPARATORS)
    return bare if bare.startswith("+") else f"+{bare}"


def is_among(number: str, listed: Iterable[str]) -> bool:
    """Say whether a list has a number, in any form that compares as equal (protocol, sip/sip.go matchNumbers)."""
    wanted = normalise(number)
    return any(number == entry or wanted == normalise(entry) for entry in listed)
