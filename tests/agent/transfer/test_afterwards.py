"""What a target's settings say: the table of ends, and the hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.transfer.afterwards import after, closed_now, takes_messages
from agent.transfer.outcome import OUTCOMES
from telephony.manifest.targets import SayAfter, TargetAfter
from tests.agent.transfer.explore import target

SETTINGS = {
    "on_busy": {"say": "They are busy."},
    "on_no_answer": "voicemail",
    "on_declined": {"target": "billing"},
    "on_unreachable": "hang_up",
    "on_voicemail": "return",
    "on_closed": {"target": "night"},
}
WANTED = {
    "busy": SayAfter(say="They are busy."),
    "no_answer": "voicemail",
    "declined": TargetAfter(target="billing"),
    "unreachable": "hang_up",
    "not_allowed": TargetAfter(target="night"),
}
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_end_has_what_comes_after_it(outcome):
    """What no setting is about gives the caller back."""
    assert after(target(**SETTINGS), outcome) == WANTED.get(outcome, "return")


def test_a_target_with_a_message_somewhere_takes_messages():
    """The model needs a tool then."""
    assert takes_messages(target(**SETTINGS))
    assert not takes_messages(target())


@pytest.mark.parametrize(
    ("of_target", "of_second", "closed"),
    [
        ([], [], set()),
        (["Mon-Fri 09:00-18:00"], [], set()),
        (["Sat 09:00-18:00"], [], {0, 1}),
        ([], ["Sun 09:00-18:00"], {1}),
        (["Tue 09:00-18:00"], ["Mon 09:00-18:00"], {0, 1}),
    ],
)
def test_who_may_be_called_now(of_target, of_second, closed):
    """Within the target's hours and their own."""
    people = ["sip:asha@127.0.0.1", {"call": "sip:ravi@127.0.0.1", "hours": of_second}]
    assert closed_now(target(people=people, hours=of_target), MONDAY_NOON) == closed
