"""Errors of the WebSocket door. The texts are static: what came from outside is never quoted.

UserError
├── NoStreamNumberError   no number of the manifest is answered here (2)
├── AnswerError           a document for the carrier cannot be built from what the settings say (2)
├── SecretTooShortError   the secret of the socket's tokens is no secret (2)
├── TokensMissingError    signatures cannot be checked without a token of the carrier (2)
└── SeenAddressError      the place of what was seen is neither a path nor a PostgreSQL URL (2)
WorldError
├── FrameError            a frame of the carrier is broken (1)
├── WebhookError          a form of the carrier is broken (1)
├── CapabilityError       a token does not open the socket (1)
├── CallOverError         nothing can be played any more: the call is over, or was stopped (1)
└── SeenUnavailableError  what was seen cannot be asked: nothing may be accepted (1)
"""

from __future__ import annotations

from telephony.errors import UserError, WorldError


class NoStreamNumberError(UserError):
    """The manifest has nothing to do for a stream server."""

    def __init__(self) -> None:
        super().__init__(
            "no number of the manifest is answered here: give one the route { stream: { server: URL, agent: NAME } }"
        )


class AnswerError(UserError):
    """A document cannot be built: a URL, a number or a sentence is not what the carrier takes."""


class SecretTooShortError(UserError):
    """A secret that could be guessed."""

    def __init__(self) -> None:
        super().__init__(
            "the secret of the stream's tokens is shorter than 32 bytes: make one with openssl rand -hex 32"
        )


class TokensMissingError(UserError):
    """No auth token is there, or an empty one, which everybody knows."""

    def __init__(self) -> None:
        super().__init__(
            "Vobiz's signatures cannot be checked without an auth token: set the account's or its parent's"
        )


class SeenAddressError(UserError):
    """An address that is neither a path nor a PostgreSQL URL. Never quotes the address: it may hold a password."""

    def __init__(self) -> None:
        super().__init__(
            "the place of what the stream has seen cannot be read: write a file's path "
            "or postgresql://user:password@host/database"
        )


class FrameError(WorldError):
    """A frame that no carrier sends."""


class WebhookError(WorldError):
    """A form that no carrier sends."""


class CapabilityError(WorldError):
    """A token that was not made here for a call, or that is over."""


class CallOverError(WorldError):
    """Something was to be played in a call that is over, or that was stopped."""

    def __init__(self) -> None:
        super().__init__("the call is over: nothing can be played in it")


class SeenUnavailableError(WorldError):
    """The database cannot be opened, reached or written. `label` is its path or its address, without secrets."""

    def __init__(self, label: str, reason: str) -> None:
        self.label = label
        self.reason = reason
        super().__init__(f"cannot remember what was seen in {label}: {reason}; make it reachable and writable")
