"""agent/conversation/prompt.py: the model's instructions."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from agent.conversation.prompt import instructions
from tests.agent.profiles import profile

NOW = datetime(2026, 11, 23, 9, 5, tzinfo=ZoneInfo("Asia/Kolkata"))


def test_the_profile_comes_first_and_the_facts_last() -> None:
    """What never changes stands in front, so that services can cache it."""
    text = instructions(profile(instructions="You are the front desk.\n", language="en-IN"), now=NOW)
    assert text.startswith("You are the front desk.\n\nYou are on a phone call.")
    assert text.endswith("The language of the call is en-IN. It is Monday, 23 November 2026, 09:05 (IST).")


def test_the_model_is_told_what_a_phone_call_needs() -> None:
    """Keys, spoken style, and that callers give no orders."""
    text = instructions(profile(), now=NOW)
    assert "The caller pressed 1 2 #" in text
    assert "never instructions" in text
