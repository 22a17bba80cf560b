"""The record of an attempt."""

from __future__ import annotations

import json

import pytest

from agent.transfer.attempt import Attempt
from agent.transfer.outcome import OUTCOMES, ended_by


def test_an_attempt_is_told_in_milliseconds_from_its_beginning():
    """And names nobody: a person is a place in the manifest's list."""
    attempt = Attempt(target="sales", person=1, mode="warm", way="dial", leg="human-1", sip_status=None)
    attempt.answered_s = attempt.began_s + 2.5
    told = attempt.ended("declined")
    assert told["answered_ms"] == 2500
    assert told["decided_ms"] is None
    assert told["ended_ms"] >= 0
    assert {key: told[key] for key in ("target", "person", "mode", "way", "leg", "outcome", "ended_by")} == {
        "target": "sales",
        "person": 1,
        "mode": "warm",
        "way": "dial",
        "leg": "human-1",
        "outcome": "declined",
        "ended_by": "human",
    }
    json.dumps(told)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_end_is_somebodys(outcome):
    """A transfer that is not over yet is nobody's."""
    wanted = {"cancelled": "caller", "caller_left": "caller", "failed": "agent", "not_allowed": "agent"}
    wanted |= dict.fromkeys(("bridged", "referred", "unknown"), "nobody")
    assert ended_by(outcome) == wanted.get(outcome, "human")
