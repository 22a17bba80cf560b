"""What the machine of a transfer wants its edges to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.transfer.outcome import Outcome
from telephony.manifest.targets import Mode

Where = Literal["callers_room", "consultation_room"]
"""The room that a human is dialled into."""


@dataclass(frozen=True, slots=True)
class SayNotice:
    """Tell the caller; answered by NoticeHeard."""


@dataclass(frozen=True, slots=True)
class CloseGates:
    """Nothing reaches the caller of who is dialled there next; answered by GatesClosed or GateLost."""

    where: Where


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial the person with this index; answered by HumanShutOut, Answered, DialFailed.

    `mode` is how they are asked on this leg: one who has taken the call and is dialled again is not.
    """

    person: int
    mode: Mode
    where: Where


@dataclass(frozen=True, slots=True)
class Refer:
    """Let the caller's side call the person with this index; answered by Referred, ReferRefused, ReferFailed."""

    person: int


@dataclass(frozen=True, slots=True)
class LetCallerHear:
    """The caller hears the agent and the hold sound again; the human stays shut out."""


@dataclass(frozen=True, slots=True)
class CloseCaller:
    """The caller hears nothing while the human is there, but what is said to them with the human muted."""


@dataclass(frozen=True, slots=True)
class Brief:
    """Speak with the human in private, or to them; answered by Decided."""


@dataclass(frozen=True, slots=True)
class Introduce:
    """Tell both whom they are going to talk to; answered by Introduced."""


@dataclass(frozen=True, slots=True)
class TellOfRedial:
    """Tell the human that they are called again, with the caller; answered by RedialTold."""


@dataclass(frozen=True, slots=True)
class RemoveHuman:
    """End the human's leg, whatever it is doing, until it is gone; answered by HumanGone."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Open the gates both ways; answered by Merged or MergeFailed."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The transfer is over: the caller is told, or talks to the human, or is gone."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Tell TimedOut(serial) after so long; one that was set before counts no more."""

    serial: int
    seconds: float


Command = (
    SayNotice
    | Refer
    | CloseGates
    | Dial
    | LetCallerHear
    | CloseCaller
    | Brief
    | Introduce
    | TellOfRedial
    | RemoveHuman
    | Merge
    | Finish
    | SetTimer
)
