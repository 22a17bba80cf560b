"""What a SIP status means for a call (RFC 3261 section 21, RFC 8197, RFC 8688), in no vendor's words."""

from enum import StrEnum
from typing import Final


class SipMeaning(StrEnum):
    """A closed set of what happened to a call attempt."""

    PROGRESS = "progress"
    ANSWERED = "answered"
    MOVED = "moved"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    """The request itself was wrong or not understood: codec, method, syntax."""
    FAILED = "failed"


_MEANINGS: Final = {
    401: SipMeaning.NOT_ALLOWED,
    402: SipMeaning.NOT_ALLOWED,
    403: SipMeaning.NOT_ALLOWED,
    407: SipMeaning.NOT_ALLOWED,
    604: SipMeaning.NOT_FOUND,
    404: SipMeaning.NOT_FOUND,
    410: SipMeaning.NOT_FOUND,
    484: SipMeaning.NOT_FOUND,
    485: SipMeaning.NOT_FOUND,
    408: SipMeaning.NO_ANSWER,
    480: SipMeaning.UNAVAILABLE,
    486: SipMeaning.BUSY,
    600: SipMeaning.BUSY,
    487: SipMeaning.CANCELLED,
    603: SipMeaning.DECLINED,
    607: SipMeaning.DECLINED,
    608: SipMeaning.DECLINED,
    500: SipMeaning.FAILED,
    502: SipMeaning.UNAVAILABLE,
    503: SipMeaning.UNAVAILABLE,
    504: SipMeaning.NO_ANSWER,
}

_PHRASES: Final = {
    SipMeaning.PROGRESS: "is ringing",
    SipMeaning.ANSWERED: "answered",
    SipMeaning.MOVED: "moved elsewhere",
    SipMeaning.BUSY: "is busy",
    SipMeaning.NO_ANSWER: "did not answer",
    SipMeaning.DECLINED: "declined",
    SipMeaning.CANCELLED: "cancelled",
    SipMeaning.NOT_FOUND: "does not exist",
    SipMeaning.NOT_ALLOWED: "not allowed",
    SipMeaning.UNAVAILABLE: "not reachable now",
    SipMeaning.REFUSED: "request refused",
    SipMeaning.FAILED: "failed",
}

_CLASS_MEANINGS: Final = {
    1: SipMeaning.PROGRESS,
    2: SipMeaning.ANSWERED,
    3: SipMeaning.MOVED,
    4: SipMeaning.REFUSED,
    5: SipMeaning.FAILED,
    6: SipMeaning.DECLINED,
}


def meaning(code: int) -> SipMeaning:
    """Return what a status means; an unknown code counts as its class (RFC 3261 section 8.1.3.2).

    Raises:
        ValueError: `code` is outside 100-699.
    """
    if not 100 <= code <= 699:
        raise ValueError(f"{code} is not a SIP status")
    return _MEANINGS.get(code, _CLASS_MEANINGS[code // 100])


def phrase(code: int) -> str:
    """Return a few words for a person, e.g. ``is busy`` for 486."""
    return _PHRASES[meaning(code)]
