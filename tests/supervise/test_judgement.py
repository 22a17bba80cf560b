"""What a supervisor makes of a room: in tables, and over every room there can be."""

from __future__ import annotations

import itertools

import pytest

from supervise.judgement import (
    AGENT_GRACE_S,
    MOST_SUCCESSORS,
    SUCCESSOR_LIMIT_S,
    Consultation,
    EndCall,
    Human,
    RemoveHuman,
    Room,
    SendAgent,
    Verdict,
    judge,
    judge_consultation,
)

CONSULTED, BRIDGED = Human(identity="human-1", state="consulted"), Human(identity="human-2", state="bridged")
LONG_S = 60.0


def room(
    *humans: Human, agents: int = 0, caller: str | None = "sip-1", answered: bool = True, taken: bool = False
) -> Room:
    """Return a room without an agent and with a caller."""
    return Room(agents=agents, caller=caller, answered=answered, handed_over=taken, humans=humans)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        pytest.param(room(BRIDGED), None, id="both talk"),
        pytest.param(room(BRIDGED, caller=None), EndCall("one leg left"), id="the caller has hung up"),
        pytest.param(room(taken=True), EndCall("one leg left"), id="the human has hung up"),
        pytest.param(room(BRIDGED, BRIDGED, caller=None), None, id="two humans talk"),
        pytest.param(room(CONSULTED, taken=True), None, id="both talk, and the human had to join anew"),
        pytest.param(room(CONSULTED), RemoveHuman("human-1"), id="the agent died in a consultation"),
        pytest.param(room(CONSULTED, caller=None), EndCall("one leg left"), id="and the caller is gone"),
        pytest.param(room(), SendAgent("sip-1"), id="the agent died"),
        pytest.param(room(answered=False), None, id="no agent has answered yet"),
        pytest.param(room(caller=None), None, id="nobody is left"),
    ],
)
def test_who_is_left_without_an_agent(seen: Room, verdict: Verdict) -> None:
    """Whatever it is, it follows from the room."""
    assert judge(seen, without_agent_s=LONG_S, sent_s=None) == verdict


def test_nobody_is_touched_while_an_agent_is_there() -> None:
    """It is in charge, whatever it does."""
    for humans, caller in itertools.product([(), (CONSULTED,), (BRIDGED,)], ["sip-1", None]):
        assert judge(room(*humans, agents=1, caller=caller), without_agent_s=LONG_S, sent_s=None) is None


@pytest.mark.parametrize(
    ("without_agent_s", "sent_s", "sent", "verdict"),
    [
        (0.0, None, 0, None),
        (AGENT_GRACE_S, None, 0, SendAgent("sip-1")),
        (LONG_S, 1.0, 1, None),
        (LONG_S, SUCCESSOR_LIMIT_S + 1, 1, EndCall("no agent came")),
        (AGENT_GRACE_S, None, MOST_SUCCESSORS, EndCall("every agent died")),
    ],
)
def test_a_caller_alone_gets_another_agent_or_the_end(
    without_agent_s: float, sent_s: float | None, sent: int, verdict: Verdict
) -> None:
    """Never silence for good."""
    assert judge(room(), without_agent_s=without_agent_s, sent_s=sent_s, sent=sent) == verdict


def test_every_room_comes_to_rest() -> None:
    """Carried out again and again, the verdicts leave nobody alone: both talk, an agent is there, or all are gone."""
    people = [(), (CONSULTED,), (BRIDGED,), (CONSULTED, BRIDGED), (CONSULTED, CONSULTED)]
    for humans, caller in itertools.product(people, ["sip-1", None]):
        seen, steps = room(*humans, caller=caller), 0
        while (verdict := judge(seen, without_agent_s=LONG_S, sent_s=None)) is not None:
            steps += 1
            assert steps < 10
            match verdict:
                case EndCall():
                    seen = room(caller=None)
                case RemoveHuman():
                    seen = room(*seen.humans[1:], caller=caller)
                case SendAgent():
                    seen = room(agents=1)
        legs = len(seen.humans) + (seen.caller is not None)
        assert seen.agents or legs != 1


@pytest.mark.parametrize(
    ("agents", "leading", "humans", "ends"),
    [
        pytest.param({"agent-1"}, {"agent-1"}, 1, False, id="the human is asked"),
        pytest.param({"agent-1"}, {"agent-1"}, 0, False, id="and not dialled yet"),
        pytest.param(set(), {"agent-1"}, 0, False, id="the room was just made"),
        pytest.param(set(), set(), 0, False, id="nobody is left"),
        pytest.param({"agent-1"}, set(), 1, True, id="the agent died"),
        pytest.param({"agent-1"}, {"agent-2"}, 1, True, id="and another one has the caller"),
        pytest.param({"agent-1"}, set(), 0, True, id="before the human was dialled"),
        pytest.param(set(), {"agent-1"}, 1, True, id="the agent has left the human alone"),
        pytest.param(set(), set(), 1, True, id="the human alone is left"),
    ],
)
def test_a_consultation_lasts_as_long_as_its_agent_has_the_caller(
    agents: set[str], leading: set[str], humans: int, ends: bool
) -> None:
    """In a room of its own."""
    seen = Consultation(agents=frozenset(agents), leading=frozenset(leading), humans=humans)
    assert (judge_consultation(seen) is not None) is ends
