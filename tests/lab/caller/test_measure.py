"""Figures from times on the wire."""

from __future__ import annotations

import pytest

from lab.caller.measure import answer_after, spoke_into, stopped_after


def burst(start_s: float, end_s: float) -> list[float]:
    """Audible packets every 20 ms."""
    return [round(start_s + 0.02 * n, 3) for n in range(round((end_s - start_s) / 0.02) + 1)]


def test_the_answer_is_the_first_packet_after_the_sentence() -> None:
    """Earlier speech of the agent does not count, nor does silence."""
    heard = burst(0, 1) + burst(3.5, 5)
    assert answer_after(heard, 3.0) == 3.5
    assert answer_after(heard, 6.0) is None
    assert answer_after([], 1.0) is None
    assert answer_after(burst(2, 3), 1.9) == 2


def test_speech_that_goes_on_is_no_answer() -> None:
    """The agent was still speaking when the caller ended; its next beginning is the answer."""
    heard = burst(0, 2.1) + burst(2.8, 4)
    assert answer_after(heard, 2.0) == 2.8


def test_an_agent_that_begins_inside_a_sentence_cut_it_off() -> None:
    """Beginning counts, going on does not."""
    assert spoke_into(burst(2.5, 4), 2.0, 3.0)
    assert not spoke_into(burst(0, 2.5), 2.0, 3.0)
    assert not spoke_into(burst(3.5, 4), 2.0, 3.0)
    assert not spoke_into([], 2.0, 3.0)


@pytest.mark.parametrize(
    ("heard", "stopped"),
    [
        (burst(0, 2.3) + burst(4, 5), 2.3),
        (burst(0, 2.2) + burst(2.5, 2.8), 2.8),
        (burst(0, 1.99), 2.0),
        (burst(0, 1.0), None),
        (burst(3, 4), None),
        ([], None),
    ],
)
def test_an_interrupted_agent_has_stopped_with_its_last_packet(heard: list[float], stopped: float | None) -> None:
    """Pauses between words are no end; an agent that was silent before has not been interrupted."""
    assert stopped_after(heard, 2.0) == stopped
