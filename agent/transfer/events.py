"""What the edges of a transfer tell its machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.transfer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class NoticeHeard:
    """The caller has heard that they are being connected."""


@dataclass(frozen=True, slots=True)
class GatesClosed:
    """The caller's leg hears nothing any more: it is safe to dial."""


@dataclass(frozen=True, slots=True)
class HumanShutOut:
    """The human's track is confirmed to be closed for the caller: the caller may hear the agent again."""


@dataclass(frozen=True, slots=True)
class GateLost:
    """A gate could not be confirmed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The human's leg is active."""


@dataclass(frozen=True, slots=True)
class DialFailed:
    """The human's leg is gone before it was answered, or never was."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Referred:
    """The caller's telephone has called the human by itself, as far as LiveKit tells."""


@dataclass(frozen=True, slots=True)
class ReferRefused:
    """The caller's side does not take a REFER: nobody was called."""


@dataclass(frozen=True, slots=True)
class ReferFailed:
    """It took it, and the human was not reached; or nobody knows."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HumanGone:
    """The human's leg has left the room."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller's leg has left the room."""


Answer = Literal["accepted", "declined", "callback", "voicemail"]


@dataclass(frozen=True, slots=True)
class Decided:
    """The human has said or pressed what they want."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Introduced:
    """Both have heard the introduction."""


@dataclass(frozen=True, slots=True)
class RedialTold:
    """The human has heard that they are called again."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller does not want it any more."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Both hear each other."""


@dataclass(frozen=True, slots=True)
class MergeFailed:
    """They do not, and will not."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A timer ran out; `serial` is the one it was set with."""

    serial: int


Event = (
    NoticeHeard
    | GatesClosed
    | HumanShutOut
    | GateLost
    | Answered
    | DialFailed
    | Referred
    | ReferRefused
    | ReferFailed
    | HumanGone
    | CallerGone
    | Decided
    | Introduced
    | RedialTold
    | Cancelled
    | Merged
    | MergeFailed
    | TimedOut
)
