"""The machine of a transfer, explored: every event in every state that can be reached."""

from __future__ import annotations

from itertools import product

import pytest

from agent.transfer import commands, events, machine
from agent.transfer.machine import begin, step
from agent.transfer.outcome import OUTCOMES
from tests.agent.transfer.explore import PEOPLE, Edge, explored, target

WAYS: list[dict[str, str | bool]] = [
    {"mode": "warm"},
    {"mode": "warm", "introduction": "Here is a caller."},
    {"mode": "warm", "privacy": "strict"},
    {"mode": "press-1"},
    {"mode": "blind"},
    {"mode": "blind", "refer": True},
    {"mode": "warm", "strategy": "redial"},
    {"mode": "press-1", "strategy": "redial", "introduction": "Here is a caller."},
    {"mode": "warm", "strategy": "cloud_move", "privacy": "strict"},
    {"mode": "blind", "strategy": "redial"},
]
ON = ("on_busy", "on_no_answer", "on_declined", "on_unreachable", "on_voicemail")
POLICIES = [
    way | dict(zip(ON, (*row, row[0]), strict=True)) for way in WAYS for row in product(("next", "return"), repeat=4)
]


@pytest.fixture(scope="module", params=POLICIES, ids=lambda policy: "-".join(map(str, policy.values())))
def edges(request: pytest.FixtureRequest) -> list[Edge]:
    return explored(target(**request.param), request.param.get("strategy", "gated_room"))


def is_redialled(edges: list[Edge]) -> bool:
    """Say whether a human who is asked is called a second time."""
    first = edges[0][0]
    return first.strategy == "redial" and first.target.mode != "blind"


def test_every_phase_is_reached(edges):
    """The exploration is worth something."""
    reached, wanted = {before.phase for before, *_ in edges}, edges[0][0].target
    never = set()
    if wanted.mode == "blind":
        never |= {"consulting"}
    if not wanted.refer:
        never |= {"referring"}
    if not is_redialled(edges):
        never |= {"parting", "redialling"}
    if not wanted.introduction or is_redialled(edges):
        never |= {"introducing"}
    assert reached == set(machine.PHASES) - never


def test_every_state_has_a_way_out_by_its_timer(edges):
    """Nobody waits for ever, whoever is silent."""
    for before, event, after, _ in edges:
        if before.phase != "over" and event == events.TimedOut(before.serial):
            assert (after.phase, after.person) != (before.phase, before.person), (before, event)


def test_a_new_phase_sets_a_new_timer(edges):
    """With a limit of its own; the last phase needs none."""
    for before, event, after, told in edges:
        timers = [command for command in told if isinstance(command, commands.SetTimer)]
        where = [(state.phase, state.person, state.away) for state in (before, after)]
        if after.phase == "over" or where[0] == where[1]:
            assert timers == [], (before, event)
        else:
            (timer,) = timers
            assert (timer.serial, timer.seconds > 0) == (after.serial, True)


def test_a_stale_timer_changes_nothing(edges):
    """It may have been on its way when it was set anew."""
    for before, event, after, told in edges:
        if event == events.TimedOut(before.serial - 1):
            assert (after, told) == (before, ())


def test_what_is_over_stays_over(edges):
    """And an outcome is told once."""
    for before, event, after, told in edges:
        if before.phase == "over":
            assert (after, told) == (before, ()), event
        finished = [command for command in told if isinstance(command, commands.Finish)]
        assert len(finished) == (before.phase != "over" and after.phase == "over")


def test_the_caller_hears_the_agent_again_after_every_end_but_three(edges):
    """A talk with a human, here or by another way, and a caller who is gone."""
    for before, event, after, told in edges:
        if before.phase != "over" and after.phase == "over":
            back = commands.LetCallerHear() in told
            assert back is (after.outcome not in ("bridged", "referred", "caller_left")), (before, event)
            assert after.outcome in OUTCOMES


def test_nobody_is_dialled_before_the_gates_are_closed(edges):
    """And the gates are closed anew for every person."""
    for before, event, after, told in edges:
        for command in told:
            if isinstance(command, commands.Dial):
                assert (before.phase, event, command.person) == ("closing", events.GatesClosed(), after.person)


def test_the_caller_hears_nothing_while_a_human_is_there_unconfirmed(edges):
    """Between dial and confirmation there is silence, or the end."""
    for before, event, after, told in edges:
        if commands.LetCallerHear() in told:
            assert after.shut_out or after.phase == "over", (before, event)


def test_a_briefing_begins_behind_a_confirmed_gate(edges):
    """Never otherwise."""
    for _, event, after, told in edges:
        if commands.Brief() in told:
            assert after.shut_out, event
            assert after.phase == "consulting"


def test_only_a_human_who_accepted_is_merged(edges):
    """Or one who is not asked, when they answer."""
    for before, event, _, told in edges:
        if commands.Merge() in told:
            wanted = [("consulting", events.Decided("accepted"))]
            if before.target.mode == "blind" or before.again:
                wanted = [("dialling", events.Answered()), ("screening", events.HumanShutOut())]
            elif is_redialled(edges):
                wanted = []
            elif before.target.introduction:
                wanted = [("introducing", events.Introduced()), ("introducing", events.TimedOut(before.serial))]
            assert (before.phase, event) in wanted
            assert before.shut_out or isinstance(event, events.HumanShutOut)


def test_nobody_is_called_twice_when_the_first_call_may_still_ring(edges):
    """A REFER that was refused has called nobody; one without an answer may have."""
    for before, event, after, _ in edges:
        if before.phase == "referring" and after.phase == "closing":
            assert isinstance(event, events.ReferRefused) or after.person > before.person
            assert event != events.ReferFailed("unknown")


def test_a_refer_is_sent_before_anybody_is_dialled_and_never_after(edges):
    """There is no leg of ours beside it."""
    for before, _, after, told in edges:
        if any(isinstance(command, commands.Refer) for command in told):
            assert not before.dialled
            assert after.phase == "referring"


def test_whoever_was_dialled_is_removed_unless_gone_or_talking(edges):
    """No end leaves a leg that rings or waits."""
    with_leg = ("dialling", "screening", "consulting", "introducing", "parting", "redialling", "merging")
    leaving = (events.DialFailed, events.HumanGone, events.Merged)
    for before, event, after, told in edges:
        if before.phase in with_leg and after.phase not in with_leg and not isinstance(event, leaving):
            assert commands.RemoveHuman() in told, (before, event)


def test_a_caller_who_leaves_ends_it_from_everywhere(edges):
    """With the human's leg taken down first."""
    for before, event, after, _ in edges:
        if isinstance(event, events.CallerGone) and before.phase != "over":
            if before.phase == "referring":  # a success looks the same, until the answer to the REFER
                assert (after.phase, after.away) == ("referring", True)
                continue
            assert after.outcome == "caller_left"
            assert after.phase in ("over", "returning")


def test_nobody_is_dialled_after_the_caller_has_left_or_cancelled(edges):
    """The list goes on by cause only."""
    for before, _, after, _ in edges:
        if before.outcome in ("caller_left", "cancelled"):
            assert after.person == before.person
            assert after.phase in ("returning", "over")


def test_the_next_person_is_dialled_where_the_target_says_so():
    """Busy, then the second answers and accepts."""
    state, _ = begin(target())
    for event in (
        events.NoticeHeard(),
        events.GatesClosed(),
        events.DialFailed("busy"),
        events.GatesClosed(),
        events.HumanShutOut(),
        events.Answered(),
        events.Decided("accepted"),
        events.Merged(),
    ):
        state, _ = step(state, event)
    assert (state.phase, state.person, state.tried) == ("over", 1, ("busy", "bridged"))


def test_with_return_the_caller_is_back_after_the_first():
    """The second is not dialled."""
    state, _ = begin(target(on_busy="return"))
    for event in (events.NoticeHeard(), events.GatesClosed(), events.DialFailed("busy")):
        state, _ = step(state, event)
    assert (state.phase, state.outcome) == ("over", "busy")


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (events.Referred(), "referred"),
        (events.ReferRefused(), "caller_left"),
        (events.ReferFailed("busy"), "caller_left"),
    ],
)
def test_a_caller_who_leaves_in_a_refer_is_told_apart_by_its_answer(told, outcome):
    """As far as LiveKit tells."""
    state, _ = begin(target(mode="blind", refer=True))
    for event in (events.NoticeHeard(), events.CallerGone(), told):
        state, _ = step(state, event)
    assert (state.phase, state.outcome) == ("over", outcome)


def test_a_person_may_be_won_in_another_way_than_the_target():
    """The second is asked for a key after the first was called blindly."""
    people = [{"call": "sip:asha@127.0.0.1", "mode": "blind"}, {"call": "sip:ravi@127.0.0.1", "mode": "press-1"}]
    state, _ = begin(target(people=people, refer=True))
    for event in (
        events.NoticeHeard(),
        events.ReferFailed("busy"),
        events.GatesClosed(),
        events.HumanShutOut(),
        events.Answered(),
    ):
        state, told = step(state, event)
    assert (state.phase, commands.Brief() in told) == ("consulting", True)
    state, _ = step(state, events.TimedOut(state.serial))
    assert state.outcome == "voicemail"


def test_a_strict_briefing_begins_behind_a_caller_who_hears_nothing(edges):
    """And no other does."""
    for before, event, _, told in edges:
        if commands.Brief() in told:
            strict = before.target.privacy == "strict" and before.strategy == "gated_room"
            assert (commands.CloseCaller() in told) is strict, event
            assert not (strict and commands.LetCallerHear() in told), event


def test_whoever_may_not_be_called_at_this_hour_is_passed_over():
    """The first of three is closed, and the last one."""
    people = ["sip:asha@127.0.0.1", "sip:ravi@127.0.0.1", "sip:mina@127.0.0.1"]
    state, _ = begin(target(people=people), closed={0, 2})
    for event in (events.NoticeHeard(), events.GatesClosed(), events.DialFailed("busy")):
        assert state.person == 1
        state, _ = step(state, event)
    assert (state.phase, state.tried) == ("over", ("busy",))


def test_with_everybody_closed_nobody_is_dialled():
    """And the caller is told at once."""
    state, told = begin(target(), closed={0, 1})
    assert (state.phase, state.outcome) == ("over", "not_allowed")
    assert told == (commands.LetCallerHear(), commands.Finish("not_allowed"))


def test_who_is_asked_elsewhere_is_dialled_there_and_who_is_not_into_the_callers_room(edges):
    """The gates of the caller's room are closed for the same room that is dialled into."""
    for before, event, after, told in edges:
        for command in told:
            if isinstance(command, (commands.Dial, commands.CloseGates)):
                asked = before.target.mode != "blind" and not after.again
                elsewhere = asked and before.strategy != "gated_room"
                assert command.where == ("consultation_room" if elsewhere else "callers_room"), (before, event)
            if isinstance(command, commands.Dial):
                assert command.mode == (before.target.mode if asked else "blind")


def test_the_same_person_is_dialled_again_only_after_the_first_leg_is_down(edges):
    """They have taken the call, and have left the room."""
    for before, event, after, told in edges:
        if after.again and not before.again:
            assert before.phase in ("parting", "redialling")
            assert (event, after.phase, after.person) == (events.HumanGone(), "closing", before.person)
            assert told[1:] == (commands.CloseGates("callers_room"),)
        if after.person != before.person:
            assert not after.again


REDIAL = (
    events.NoticeHeard(),
    events.GatesClosed(),
    events.HumanShutOut(),
    events.Answered(),
    events.Decided("accepted"),
)
SECOND_DIAL = (*REDIAL, events.RedialTold(), events.HumanGone(), events.GatesClosed())


@pytest.mark.parametrize(
    ("before", "event", "phase", "outcome"),
    [
        (REDIAL, events.RedialTold(), "redialling", None),
        (REDIAL, events.HumanGone(), "closing", None),
        (REDIAL, events.CallerGone(), "returning", "caller_left"),
        (REDIAL, events.Cancelled(), "returning", "cancelled"),
        (REDIAL, events.GateLost(), "returning", "failed"),
        ((*REDIAL, events.RedialTold()), events.HumanGone(), "closing", None),
        ((*REDIAL, events.RedialTold()), events.CallerGone(), "returning", "caller_left"),
        ((*REDIAL, events.RedialTold()), events.Cancelled(), "returning", "cancelled"),
        ((*REDIAL, events.RedialTold()), events.GateLost(), "returning", "failed"),
        (SECOND_DIAL, events.DialFailed("busy"), "over", "busy"),
        (SECOND_DIAL, events.CallerGone(), "returning", "caller_left"),
        (SECOND_DIAL, events.GateLost(), "returning", "failed"),
        (SECOND_DIAL, events.HumanShutOut(), "dialling", None),
        ((*SECOND_DIAL, events.HumanShutOut()), events.Answered(), "merging", None),
        ((*SECOND_DIAL, events.Answered()), events.HumanShutOut(), "merging", None),
        ((*SECOND_DIAL, events.HumanShutOut(), events.Answered()), events.Merged(), "over", "bridged"),
        ((*SECOND_DIAL, events.HumanShutOut(), events.Answered()), events.HumanGone(), "over", "human_left"),
        ((*SECOND_DIAL, events.HumanShutOut(), events.Answered()), events.MergeFailed(), "returning", "failed"),
    ],
)
def test_a_human_who_is_called_again(before, event, phase, outcome):
    """Each end of it."""
    state, _ = begin(target(people=PEOPLE[:1]), strategy="redial")
    for passed in before:
        state, _ = step(state, passed)
    state, _ = step(state, event)
    assert (state.phase, state.outcome) == (phase, outcome)


def test_a_first_leg_that_does_not_end_is_not_dialled_again():
    """The sentence may last too long, and the caller is given back when the leg does not end."""
    state, _ = begin(target(people=PEOPLE[:1]), strategy="redial")
    for passed in REDIAL:
        state, _ = step(state, passed)
    phases = []
    while state.phase != "over":
        state, _ = step(state, events.TimedOut(state.serial))
        phases.append(state.phase)
    assert (phases, state.outcome) == (["redialling", "returning", "over"], "failed")
