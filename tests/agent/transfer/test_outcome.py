"""What LiveKit says of a failed dial, and what it is called."""

from __future__ import annotations

import pytest

from agent.transfer.outcome import DialFailure, is_worth_another_try, outcome_of, outcome_of_refer
from agent.transfer.referral import refer_to
from telephony.manifest.targets import Person


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


@pytest.mark.parametrize(
    ("status", "code", "words", "outcome"),
    [
        (486, "unavailable", "TEU: call transfer failed: sip status: 486: Busy Here", "busy"),
        (408, "deadline_exceeded", "TEU: call transfer failed: sip status: 408", "no_answer"),
        (404, "not_found", "TEU: call transfer failed: sip status: 404: Not Found", "unreachable"),
        (405, "invalid_argument", "TEU: sip status: 405: Method Not Allowed", None),
        (403, "permission_denied", "TEU: sip status: 403: Forbidden", None),
        (603, "permission_denied", "TEU: sip status: 603: Decline", None),
        (501, "failed_precondition", "TEU: sip status: 501", None),
        (None, "deadline_exceeded", "TEU: request timed out", "unknown"),
        (None, "canceled", "TEU: transaction failed to complete (0 intermediate responses)", "unknown"),
        (None, "invalid_argument", "call already being transferred elsewhere", "unknown"),
    ],
)
def test_a_refer_is_refused_or_failed_or_nobody_knows(status, code, words, outcome):
    """Only a refusal says that nobody was called; texts as livekit-sip 1.11.0 has them."""
    assert outcome_of_refer(DialFailure(sip_status=status, code=code, words=words)) == outcome


@pytest.mark.parametrize(
    ("call", "domain", "to"),
    [
        ("+919800000001", "abc.sip.vobiz.ai", "sip:+919800000001@abc.sip.vobiz.ai"),
        ("+919800000001", "", "tel:+919800000001"),
        ("sip:asha@pbx.in:5080", "abc.sip.vobiz.ai", "sip:asha@pbx.in:5080"),
    ],
)
def test_a_refer_names_who_is_to_be_called(call, domain, to):
    """A number at the carrier, a SIP address as it stands in the manifest."""
    assert refer_to(Person(call=call), domain=domain) == to
