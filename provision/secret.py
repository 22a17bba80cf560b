"""Passwords, told apart without being told: a value, a plan and a log carry a fingerprint, never the password.

And a text that comes from a server may quote what we have sent, so it is masked before anybody sees it.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from pydantic import SecretStr

_LENGTH = 10
_MASK: Final = "***"
_LONGEST_QUOTE: Final = 300
_WORD: Final = re.compile(r"[A-Za-z0-9]{8,}")
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)+|(?i:\bbasic)(?:\s|%20|\+)+[A-Za-z0-9%+/=_-]{4,}")
"""A JSON Web Token, such as LiveKit's API gets: good for minutes, and as good as the secret. Or a proxy's password."""


def fingerprint(deployment: str, password: SecretStr | str) -> str:
    """Return a short digest of a password, different in each deployment; "" of an empty one.

    It is too short to be turned back, and long enough to notice a change.
    """
    text = password.get_secret_value() if isinstance(password, SecretStr) else password
    return hashlib.sha256(f"{deployment}\0{text}".encode()).hexdigest()[:_LENGTH] if text else ""


def quoted(text: str, secrets: Iterable[SecretStr | str]) -> str:
    """Return a text that comes from outside as a message may quote it: masked, on one line, not too long."""
    return "".join(char if char.isprintable() else " " for char in masked(text, secrets))[:_LONGEST_QUOTE]


def masked(text: str, secrets: Iterable[SecretStr | str]) -> str:
    """Return a text without our secrets and without tokens.

    Encoders (JSON, URLs, HTML) change the marks in a secret and leave letters and digits alone, so each long run of
    those is masked wherever it stands.
    """
    for secret in secrets:
        value = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        for piece in sorted({value, *_WORD.findall(value)} - {""}, key=len, reverse=True):
            text = text.replace(piece, _MASK)
    return _TOKEN.sub(_MASK, text)
