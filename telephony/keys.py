"""What may stand in a key: it is sent in a header, or signs one."""

from typing import Any

from pydantic import SecretStr


def header_value(value: Any) -> Any:
    """Return a key as it is, for a validator that comes before pydantic's own; no message ever tells the value.

    Raises:
        ValueError: it holds what no header can, often the line break of the file that it was read from.
    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and not (text.isascii() and text.isprintable() and text == text.strip()):
        raise ValueError("holds a character that no key has, maybe a line break at its end: write it again")
    return value
