"""What may go wrong with a SIP call.

SipError                 (WorldError)
├── CallRejected         the INVITE got a final status that is no 2xx, or none at all
└── CallOver             something was asked of a call that has ended
"""

from __future__ import annotations

from telephony.errors import WorldError


class SipError(WorldError):
    """A SIP request could not be made, sent or understood."""


class CallRejected(SipError):  # noqa: N818  (what happened, not a mistake)
    """The INVITE was refused. `status` 408 with `on_wire` False means that nobody answered in time."""

    def __init__(self, status: int, reason: str, *, on_wire: bool = True) -> None:
        self.status = status
        self.reason = reason
        self.on_wire = on_wire
        super().__init__(f"the call was refused: {status} {reason}".rstrip())


class CallOver(SipError):  # noqa: N818
    """The call has ended, so that this cannot be done any more."""
