"""Errors of the worker.

UserError
└── SettingsError       a key is missing, or a setting has no sense
WorldError
├── KeyRefusedError     a service does not take the key
└── UnreachableError    LiveKit cannot be reached
"""

from __future__ import annotations

from telephony.errors import WorldError


class SettingsError(WorldError):
    """A setting is missing or wrong. Exit code 1: the manifest and the arguments may be right."""


class KeyRefusedError(WorldError):
    """A service answered that the key is wrong."""


class UnreachableError(WorldError):
    """LiveKit does not answer."""
