"""agent/admission.py: an exact count of calls."""

from __future__ import annotations

from agent.admission import ASSIGNMENT_S, Admission

LIVEKIT_TARGET_LOAD = 0.7
"""livekit-server v1.13.5, pkg/agent/config.go: a worker that tells this load or more is not asked."""


def test_no_more_jobs_are_accepted_than_calls_are_allowed() -> None:
    """Those that were accepted and have not begun count as well."""
    admission = Admission(2)
    assert [admission.admit(job, set(), now_s=0.0) for job in ("a", "b", "c")] == [True, True, False]


def test_a_call_that_has_begun_is_counted_once() -> None:
    """It moves from the accepted ones to the running ones."""
    admission = Admission(2)
    assert admission.admit("a", set(), now_s=0.0)
    assert admission.admit("b", {"a"}, now_s=0.1)
    assert not admission.admit("c", {"a", "b"}, now_s=0.2)


def test_a_place_is_free_again_when_a_call_has_ended() -> None:
    """The count follows the running jobs."""
    admission = Admission(1)
    assert admission.admit("a", set(), now_s=0.0)
    assert not admission.admit("b", {"a"}, now_s=1.0)
    assert admission.admit("c", set(), now_s=2.0)


def test_a_job_that_was_accepted_and_never_came_is_forgotten() -> None:
    """LiveKit may give it to another worker without a word."""
    admission = Admission(1)
    assert admission.admit("a", set(), now_s=0.0)
    assert not admission.admit("b", set(), now_s=ASSIGNMENT_S - 0.1)
    assert admission.admit("c", set(), now_s=ASSIGNMENT_S + 0.1)


def test_the_load_grows_with_the_calls_and_never_hides_the_worker() -> None:
    """The server prefers the worker with fewer calls, but asks even a full one: the count decides."""
    admission = Admission(4)
    loads = [admission.load(running) for running in range(6)]
    assert loads == sorted(loads)
    assert loads[0] == 0
    assert max(loads) < LIVEKIT_TARGET_LOAD
