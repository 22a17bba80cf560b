"""What the carrier may call its calls and streams. Pure."""

from __future__ import annotations

import re
from typing import Final

ID_LIMIT: Final = 64
"""Characters; the carrier's own are UUIDs."""
_ID: Final = re.compile(rf"[!-~]{{1,{ID_LIMIT}}}", re.ASCII)


def is_id(value: object) -> bool:
    """Whether a value is a text of 1 to 64 visible ASCII characters."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
