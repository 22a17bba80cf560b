"""URLs as they may be printed: as the manifest writes them, and without what opens something. Pure.

What is written to a server and into a saved plan is the URL itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

Written = tuple[tuple[str, str], ...]
"""Texts of the manifest that variables were filled into: the value, and what is written there."""

_MASK: Final = "***"
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<place>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)


def shown_url(text: str, written: Iterable[tuple[str, str]] = ()) -> str:
    """Return a URL with ``${NAME}`` where the manifest has that, and else ``***`` for passwords and query values.

    A user without a password is taken for a token. What is no URL stays as it is.
    """
    if "://" not in text:
        return text
    for value, source in written:
        base = value.rstrip("/")
        if base and (text in (value, base) or text.startswith(f"{base}/")):
            text = source.rstrip("/") + text.removeprefix(base)
            break
    found = _URL.fullmatch(text)
    if found is None:
        return text
    rest, mark, fragment = found["rest"].partition("#")
    query = rest.removeprefix("?")
    asked = f"?{'&'.join(map(_parameter, query.split('&')))}" if query else rest
    return f"{found['scheme']}{_place(found['place'])}{found['path']}{asked}{mark}{fragment}"


def _place(place: str) -> str:
    user, mark, host = place.rpartition("@")
    if not mark:
        return place
    name, colon, password = user.partition(":")
    return f"{name}:{_hidden(password)}@{host}" if colon else f"{_hidden(name)}@{host}"


def _parameter(text: str) -> str:
    name, mark, value = text.partition("=")
    return f"{name}={_hidden(value)}" if mark else _hidden(name)


def _hidden(secret: str) -> str:
    return secret if not secret or _VARIABLE.fullmatch(secret) else _MASK
