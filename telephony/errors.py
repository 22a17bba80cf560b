"""The root of every error that a person may see.

DialroomError            str(error) is one clear line; exit_code is what the command ends with
├── UserError            what the user wrote wrongly, or left out (2)
└── WorldError           what the world refused (1)
"""

import re
from typing import Final

_LONGEST: Final = 80
_QUOTED: Final = re.compile(
    r"""(?<!\w)(?P<mark>['"])(?P<value>(?:(?!(?P=mark))[^\\]|\\.)*)(?P=mark)(?!\w)""", re.DOTALL
)
"""A value as `repr` writes it, and no apostrophe."""


class DialroomError(Exception):
    """An error whose text is one line that says what to do; what it quotes is shortened."""

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(with_short_values(text))


def with_short_values(text: str) -> str:
    """Return a message in which no quoted value is long: somebody may have put a whole file where a name belongs."""
    if len(text) <= _LONGEST:
        return text
    return _QUOTED.sub(lambda match: f"{match['mark']}{shortened(match['value'])}{match['mark']}", text)


def shortened(value: str) -> str:
    """Return a value as far as it helps to find it again."""
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


class UserError(DialroomError):
    """Something that the user wrote is wrong: a number, the manifest, a setting."""

    exit_code = 2


class WorldError(DialroomError):
    """Something outside refused or could not be reached: a server, a carrier, a key."""

    exit_code = 1
