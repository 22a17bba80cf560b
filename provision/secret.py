"""Passwords, told apart without being told: a value, a plan and a log carry a fingerprint, never the password."""

import hashlib

from pydantic import SecretStr

_LENGTH = 10


def fingerprint(deployment: str, password: SecretStr | str) -> str:
    """Return a short digest of a password, different in each deployment; "" of an empty one.

    It is too short to be turned back, and long enough to notice a change.
    """
    text = password.get_secret_value() if isinstance(password, SecretStr) else password
    return hashlib.sha256(f"{deployment}\0{text}".encode()).hexdigest()[:_LENGTH] if text else ""
