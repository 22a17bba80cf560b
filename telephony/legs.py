"""What a room tells about its legs: who was called by us, whether both talk, and that somebody watches it."""

from __future__ import annotations

import json
from typing import Final, Literal

HANDED_OVER: Final = "dialroom.handedOver"
"""Attribute of the caller's leg, with any value: a human has taken the call, and it needs no agent."""
LEG: Final = "dialroom.leg"
"""Attribute of a human's leg."""
LegState = Literal["consulted", "bridged"]
"""`consulted`: behind gates, which only the agent opens. `bridged`: the caller's, with or without an agent."""

RESERVED_ATTRIBUTES: Final = ("sip.", "lk.", "dialroom.")
"""How attributes begin that LiveKit and dialroom rely on: no header of a caller may set one. livekit-sip would let it,
even ``sip.phoneNumber`` (livekit/sip ``HeadersToAttrs``: what a trunk maps goes over what was there).
"""

_SUPERVISED: Final = json.dumps({"dialroom": "supervised"})


def supervised_metadata() -> str:
    """Return the room metadata that tells an agent that it may leave: a supervisor ends the call."""
    return _SUPERVISED


def is_supervised(metadata: str) -> bool:
    """Say whether a supervisor watches the room that has this metadata."""
    return metadata == _SUPERVISED
