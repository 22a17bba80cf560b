"""What a room tells about its legs: who was called by us, whether both talk, whose consultation it is, who watches."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

HANDED_OVER: Final = "dialroom.handedOver"
"""Attribute of the caller's leg, with any value: a human has taken the call, and it needs no agent."""
LEG: Final = "dialroom.leg"
"""Attribute of a human's leg."""
LegState = Literal["consulted", "bridged"]
"""`consulted`: the caller does not hear them, until the agent says so. `bridged`: the caller's, with or without an
agent.
"""

NOBODY: Final = "dialroom.nobody"
"""An agent name that no worker has. A room whose agents are not named gets every agent that has no name itself."""

RESERVED_ATTRIBUTES: Final = ("sip.", "lk.", "dialroom.")
"""How attributes begin that LiveKit and dialroom rely on: no header of a caller may set one. livekit-sip would let it,
even ``sip.phoneNumber`` (livekit/sip ``HeadersToAttrs``: what a trunk maps goes over what was there).
"""

_SUPERVISED: Final = json.dumps({"dialroom": "supervised"})
_CONSULTATION: Final = "consultation"


def supervised_metadata() -> str:
    """Return the room metadata that tells an agent that it may leave: a supervisor ends the call."""
    return _SUPERVISED


def is_supervised(metadata: str) -> bool:
    """Say whether a supervisor watches the room that has this metadata."""
    return metadata == _SUPERVISED


def consultation_metadata(worker: str, callers_room: str) -> str:
    """Return the metadata of a room in which a human is asked; `worker` is LiveKit's name of the agents that do so."""
    return json.dumps({"dialroom": _CONSULTATION, "worker": worker, "for": callers_room}, sort_keys=True)


def consultation_for(metadata: str, worker: str) -> str | None:
    """Return the caller's room that a room with this metadata was made for; None: no consultation of this worker."""
    try:
        told: Any = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(told, dict) or (told.get("dialroom"), told.get("worker")) != (_CONSULTATION, worker):
        return None
    room = told.get("for")
    return room if isinstance(room, str) and room else None
