"""Errors that travel over psrpc, and which one a SIP status becomes."""

from __future__ import annotations

from google.protobuf import any_pb2
from google.protobuf.message import Message
from livekit.protocol import sip


class PsrpcError(Exception):
    """An error with psrpc's code word (`unavailable`, `not_found`, …) and details that livekit-server passes on."""

    def __init__(self, code: str, message: str, *details: Message) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.details = code, message, details

    def packed_details(self) -> list[any_pb2.Any]:
        """Return the details as they stand in a response."""
        packed = []
        for detail in self.details:
            wrapped = any_pb2.Any()
            wrapped.Pack(detail)
            packed.append(wrapped)
        return packed


_CODES = {
    "not_found": (301, 302, 404, 410, 481, 604),
    "permission_denied": (401, 402, 403, 433, 470, 603, 607, 608),
    "unauthenticated": (407, 428, 436, 437, 438, 494),
    "deadline_exceeded": (408, 504),
    "resource_exhausted": (440, 480, 486, 600),
    "aborted": (487, 491),
    "out_of_range": (416,),
    "failed_precondition": (409, 412, 482, 483),
    "invalid_argument": (505, 513),
}
_CODE_OF = {status: code for code, statuses in _CODES.items() for status in statuses}


def code_of_status(status: int) -> str:
    """Return the psrpc code of a SIP status, as livekit-sip chooses it."""
    if status < 300:
        return "unknown"  # no failure, yet reported as one, e.g. a last NOTIFY of 202
    return _CODE_OF.get(status) or ("failed_precondition" if status // 100 == 5 else "invalid_argument")


def sip_error(status: int, reason: str, *, prefix: str = "") -> PsrpcError:
    """Return the error of a call that ended with a SIP status; the API raises it as SipCallError."""
    detail = sip.SIPStatus(code=status, status=reason)  # type: ignore[arg-type]
    return PsrpcError(code_of_status(status), f"{prefix}sip status: {status}: {reason}", detail)
