"""How an attempt to reach a human ended: one of a closed set, made from what LiveKit told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Outcome = Literal[
    "bridged",
    "referred",
    "busy",
    "no_answer",
    "declined",
    "callback",
    "voicemail",
    "unreachable",
    "not_allowed",
    "cancelled",
    "caller_left",
    "human_left",
    "unknown",
    "failed",
]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
COMES_BACK: Final = tuple(end for end in OUTCOMES if end not in ("bridged", "referred", "caller_left"))
"""After these the caller is the agent's again."""
AFTER_AN_ANSWER: Final[tuple[Outcome, ...]] = ("declined", "human_left", "callback", "voicemail")
"""Of these, those that end a leg which was answered."""


EndedBy = Literal["human", "caller", "agent", "nobody"]
_ENDED_BY: Final[Mapping[Outcome, EndedBy]] = {
    "bridged": "nobody",
    "referred": "nobody",
    "unknown": "nobody",
    "cancelled": "caller",
    "caller_left": "caller",
    "failed": "agent",
    "not_allowed": "agent",
}


def ended_by(outcome: Outcome) -> EndedBy:
    """Return whose doing an end was: the human's or their side's, if not said otherwise; `nobody`: it goes on."""
    return _ENDED_BY.get(outcome, "human")


@dataclass(frozen=True, slots=True, kw_only=True)
class DialFailure:
    """What `CreateSIPParticipant` answered. `sip_status` None: no final response of the human's side was seen.

    `code` is LiveKit's own word (``unavailable``, ``canceled``, …), `words` its message.
    """

    sip_status: int | None
    code: str
    words: str = ""


_BY_STATUS: Final[Mapping[int, Outcome]] = {
    408: "no_answer",
    480: "no_answer",
    486: "busy",
    487: "no_answer",
    600: "busy",
    603: "declined",
    607: "declined",
    608: "declined",
}
"""RFC 3261 section 21, RFC 8197 (607), RFC 8688 (608). Other final statuses: nobody can be reached there."""
_TIMED_OUT: Final = "sip request timed out"
_BUSY_MACHINE: Final = "cpu exhausted"
_NOTIFIED: Final = "call transfer failed"


def outcome_of(failure: DialFailure) -> Outcome:
    """Return how a dial that failed is to be told; ``failed`` is our own side's fault."""
    if failure.sip_status is not None:
        return _BY_STATUS.get(failure.sip_status, "unreachable")
    return "no_answer" if _TIMED_OUT in failure.words else "failed"


def outcome_of_refer(failure: DialFailure) -> Outcome | None:
    """Return how a REFER that failed is to be told, None when it was refused: then nobody was called.

    A NOTIFY tells of the person who was called; without one nobody knows what the telephone does. Measured on
    livekit-sip 1.11.0; the statuses of a NOTIFY and of a refusal have the same field, and differ in words.
    """
    if failure.sip_status is None:
        return "unknown"
    return outcome_of(failure) if _NOTIFIED in failure.words else None


def is_worth_another_try(failure: DialFailure) -> bool:
    """Say whether livekit-sip refused to dial at all, because its machine was busy: no INVITE has left."""
    return failure.sip_status is None and (failure.code == "unavailable" or _BUSY_MACHINE in failure.words)
