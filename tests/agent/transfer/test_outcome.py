"""What LiveKit says of a failed dial, and what it is called."""

from __future__ import annotations

import pytest

from agent.transfer.outcome import DialFailure, is_worth_another_try, outcome_of


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, "unreachable"),
        (401, "unreachable"),
        (403, "unreachable"),
        (404, "unreachable"),
        (408, "no_answer"),
        (410, "unreachable"),
        (480, "no_answer"),
        (484, "unreachable"),
        (486, "busy"),
        (487, "no_answer"),
        (488, "unreachable"),
        (500, "unreachable"),
        (503, "unreachable"),
        (600, "busy"),
        (603, "declined"),
        (604, "unreachable"),
        (607, "declined"),
        (608, "declined"),
    ],
)
def test_a_sip_status_has_an_outcome(status, outcome):
    """Whatever word LiveKit has for it: its codes are shared by several statuses."""
    for code in ("resource_exhausted", "not_found", "unavailable", "deadline_exceeded"):
        assert outcome_of(DialFailure(sip_status=status, code=code)) == outcome


@pytest.mark.parametrize(
    ("code", "words", "outcome", "again"),
    [
        ("canceled", "twirp error unknown: sip request timed out", "no_answer", False),
        ("unavailable", "twirp error unknown: cpu exhausted", "failed", True),
        ("unavailable", "no sip service", "failed", True),
        ("failed_precondition", "sip server required auth, but no username or password was provided", "failed", False),
        ("deadline_exceeded", "twirp error unknown: request timed out", "failed", False),
        ("internal", "", "failed", False),
    ],
)
def test_without_a_sip_status_the_words_decide(code, words, outcome, again):
    """A dial that never left may be tried again; one that rang may not."""
    failure = DialFailure(sip_status=None, code=code, words=words)
    assert outcome_of(failure) == outcome
    assert is_worth_another_try(failure) is again


def test_a_refusal_from_the_humans_side_is_not_tried_again():
    """503 from the carrier comes with the code that a busy machine has."""
    assert not is_worth_another_try(DialFailure(sip_status=503, code="unavailable"))
