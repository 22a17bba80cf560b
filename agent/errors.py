"""Errors of the worker.

UserError                a setting has no sense (2)
├── SettingMissingError  a key or an address is not set (2)
└── HoldSoundError       a target's sound file is not there (2)
WorldError
├── KeyRefusedError      a service does not take the key (1)
├── UnreachableError     LiveKit cannot be reached (1)
└── PortTakenError       the health port is in use (1)
"""

from __future__ import annotations

from collections.abc import Sequence

from telephony.errors import UserError, WorldError


class SettingMissingError(UserError):
    """Settings that have no default are not set."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
        super().__init__(f"{', '.join(names)} {verb} not set: put {them} into the environment or into .env")


class KeyRefusedError(WorldError):
    """A service answered that the key is wrong."""


class UnreachableError(WorldError):
    """LiveKit does not answer."""


class PortTakenError(WorldError):
    """Something else listens on the health port."""


class HoldSoundError(UserError):
    """The manifest names a sound file that is not there."""
