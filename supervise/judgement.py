"""What a supervisor makes of a room. Pure: what is in it, for how long → what to do next.

LiveKit ends no call by itself: when one leg hangs up, the other stays, and when an agent dies, both do (measured on
livekit-server 1.13.5). One thing is done at a time; the room is looked at again after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from telephony.legs import LegState

AGENT_GRACE_S: Final = 1.0
"""How long a caller may be without an agent before one is sent: an agent that goes by itself ends the room at once."""
MOST_SUCCESSORS: Final = 3
"""Agents that are sent into one call; one that dies every time is not going to help."""
SUCCESSOR_LIMIT_S: Final = 8.0
"""How long one that was sent may take to come; then the caller is hung up on, which is better than silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Human:
    """A leg that was dialled by an agent."""

    identity: str
    state: LegState


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who is in a room. `caller` None: has left. `answered` says that the caller's leg was answered, `handed_over` that
    a human took the call, who may be gone again.
    """

    agents: int
    caller: str | None
    answered: bool
    handed_over: bool
    humans: tuple[Human, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """Who is in a room in which a human is asked: `agents` there, `leading` in the caller's room (identities), legs."""

    agents: frozenset[str]
    leading: frozenset[str]
    humans: int


@dataclass(frozen=True, slots=True)
class EndCall:
    """Delete the room, which hangs up what is left."""

    why: Literal["one leg left", "no agent came", "every agent died", "nobody leads the consultation"]


@dataclass(frozen=True, slots=True)
class RemoveHuman:
    """End a leg whose consultation nobody leads any more."""

    identity: str


@dataclass(frozen=True, slots=True)
class SendAgent:
    """Let the caller hear again, and send another agent."""

    caller: str


Verdict = EndCall | RemoveHuman | SendAgent | None


def judge(room: Room, *, without_agent_s: float, sent_s: float | None, sent: int = 0) -> Verdict:
    """Return what to do now.

    `without_agent_s` is how long the room has been without an agent; `sent_s` how long ago another one was sent, None
    when none was since the last one left; `sent` how many were sent into this call.
    """
    if room.agents:
        return None
    legs = len(room.humans) + (room.caller is not None)
    if not legs or (not room.humans and not room.answered):
        return None  # nobody to be left alone; or a call that its first agent has not answered yet
    bridged = [human for human in room.humans if human.state == "bridged"]
    if (bridged or room.handed_over) and legs > 1:
        return None  # a leg that had to join anew has lost its mark; the other one has it still
    if bridged or room.handed_over or room.caller is None:
        return EndCall("one leg left")
    if room.humans:
        return RemoveHuman(room.humans[0].identity)
    if sent_s is not None:
        return EndCall("no agent came") if sent_s > SUCCESSOR_LIMIT_S else None
    if sent >= MOST_SUCCESSORS:
        return EndCall("every agent died")
    return SendAgent(room.caller) if without_agent_s >= AGENT_GRACE_S else None


def judge_consultation(seen: Consultation) -> EndCall | None:
    """Return what to do now with a room in which a human is asked: it lasts as long as its agent has the caller.

    The agent is in both rooms under one identity. One that died is taken out of the caller's at once, and is seen in
    the other some 20 s longer. A room that nobody has come into yet is left to LiveKit's time limits.
    """
    if seen.agents & seen.leading or not (seen.agents or seen.humans):
        return None
    return EndCall("nobody leads the consultation")
