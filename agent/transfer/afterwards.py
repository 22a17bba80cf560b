"""What a target's settings say about the time: who may be called now, and what comes after an attempt. Pure."""

from __future__ import annotations

from datetime import datetime

from agent.transfer.outcome import Outcome
from telephony.manifest.hours import is_open
from telephony.manifest.targets import AFTER_KEYS, After, Target


def closed_now(target: Target, now: datetime) -> frozenset[int]:
    """Return the people of a target who may not be called at this local time, by their own hours or the target's."""
    if not is_open(target.hours, now):
        return frozenset(range(len(target.people)))
    return frozenset(index for index, person in enumerate(target.people) if not is_open(person.hours, now))


def takes_messages(target: Target) -> bool:
    """Say whether callers of this target may leave a message."""
    return any(getattr(target, key) == "voicemail" for key in AFTER_KEYS)


def after(target: Target, outcome: Outcome) -> After:
    """Return what happens when a person was not won; ends that no setting is about give the caller back."""
    match outcome:
        case "busy":
            return target.on_busy
        case "no_answer":
            return target.on_no_answer
        case "declined":
            return target.on_declined
        case "unreachable":
            return target.on_unreachable
        case "voicemail":
            return target.on_voicemail
        case "not_allowed":
            return target.on_closed
        case _:
            return "return"
