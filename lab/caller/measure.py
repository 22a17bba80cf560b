"""Figures from two lists of times: when the caller was audible on the wire, and when the agent was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

ONSET_GAP_S = 0.2
"""Silence before a packet that makes it the beginning of something new."""
STOP_GAP_S = 0.5
"""Silence after a packet that makes it the end of an interrupted sentence."""


def answer_after(heard_s: Sequence[float], ended_s: float) -> float | None:
    """Return when the agent began to answer a sentence whose last audible packet left at `ended_s`; None if never.

    Speech that goes on across `ended_s` is no answer: the first packet after a gap of `ONSET_GAP_S` is.
    """
    for place in range(bisect_right(heard_s, ended_s), len(heard_s)):
        if place == 0 or heard_s[place] - heard_s[place - 1] >= ONSET_GAP_S:
            return heard_s[place]
    return None


def spoke_into(heard_s: Sequence[float], began_s: float, ended_s: float) -> bool:
    """Say whether the agent began to speak while the caller did: it took a pause for the end of the turn."""
    for place in range(bisect_right(heard_s, began_s), bisect_right(heard_s, ended_s)):
        if place == 0 or heard_s[place] - heard_s[place - 1] >= ONSET_GAP_S:
            return True
    return False


def stopped_after(heard_s: Sequence[float], began_s: float) -> float | None:
    """Return when the agent's last packet came after the caller began to speak into it at `began_s`.

    `began_s` itself when no packet came after it; None when the agent was silent already.
    """
    place = bisect_left(heard_s, began_s)
    if place == 0 or began_s - heard_s[place - 1] > STOP_GAP_S:
        return None
    while place < len(heard_s) and heard_s[place] - heard_s[place - 1] <= STOP_GAP_S:
        place += 1
    return max(heard_s[place - 1], began_s)
