"""Numbers that move between routes: new things first, then the switch, then the rest; and what that costs in calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provision.apply import apply, check_applied
from provision.changes import Update
from provision.desired import Desired
from provision.plan import Plan, plan
from provision.values import Application, Assignment, CarrierTrunk, DispatchRule, InboundTrunk, Value
from tests.provision.memory import Memory, finished, names

NUMBERS = [f"+9180710000{index:02}" for index in range(4)]
LIVEKIT = CarrierTrunk(name="dialroom-test-in", inbound_destination="sip.lotus.in")
PBX = CarrierTrunk(name="dialroom-test_to_pbx-1", inbound_destination="pbx.lotus.in")
DESK = CarrierTrunk(name="dialroom-test_to_desk-1", inbound_destination="desk.lotus.in")
BOT = Application(name="dialroom-test_app_bot-1", answer_url="https://bot.lotus.in/answer")
TARGETS = {"pbx": PBX, "desk": DESK, "bot": BOT}
PLACES = ["anna", "bela", *TARGETS]


def wanted(places: dict[str, str]) -> Desired:
    """Return what a deployment needs for numbers that go to agents, SIP hosts or an application."""
    values: list[Value] = []
    agents = sorted({place for place in places.values() if place not in TARGETS})
    for agent in agents:
        numbers = tuple(sorted(number for number, place in places.items() if place == agent))
        name = f"dialroom-test-{agent}"
        values.append(InboundTrunk(name=name, numbers=numbers, allowed_addresses=("10.0.0.0/24",)))
        values.append(DispatchRule(name=name, trunks=(name,), room_prefix="call", agent_name="a", agent_metadata=agent))
    values += [LIVEKIT] if agents else []
    values += [target for place, target in TARGETS.items() if place in places.values()]
    for number, place in places.items():
        target = TARGETS.get(place, LIVEKIT)
        on_application = isinstance(target, Application)
        values.append(
            Assignment(
                name=number,
                trunk="" if on_application else target.name,
                application=target.name if on_application else "",
            )
        )
    return Desired(deployment="test", values=tuple(values))


def moved(before: dict[str, str], after: dict[str, str]) -> Plan:
    """Provision, then move; return the plan of the move."""
    memory = Memory(owned=tuple(NUMBERS))
    for places in (before, after):
        made = plan(wanted(places), memory.state())
        assert made.conflicts == ()
        finished(apply(made, memory.state(), memory.servers))
        check_applied(made, memory.state())
    assert plan(wanted(after), memory.state()).changes == ()
    return made


def warnings(made: Plan) -> list[str]:
    return [report.message for report in made.reports if report.level == "warning"]


def test_a_number_that_rides_alone_moves_by_a_new_destination() -> None:
    """The trunk becomes the other one, name and all: no call is lost."""
    made = moved({NUMBERS[0]: "pbx"}, {NUMBERS[0]: "desk"})
    assert made.changes == (Update(PBX, DESK),)
    assert warnings(made) == []


def test_all_numbers_of_a_trunk_move_together() -> None:
    """However many ride on it; LiveKit is tidied up afterwards."""
    made = moved(dict.fromkeys(NUMBERS, "anna"), dict.fromkeys(NUMBERS, "pbx"))
    assert names(made.changes) == [
        "Update carrier trunk dialroom-test_to_pbx-1",
        "Delete LiveKit rule dialroom-test-anna",
        "Delete LiveKit trunk dialroom-test-anna",
    ]
    assert warnings(made) == []


def test_one_of_several_has_a_gap_of_two_calls_that_is_announced() -> None:
    """The carrier wants it unassigned first. LiveKit drops it only when the carrier sends it elsewhere."""
    made = moved({NUMBERS[0]: "anna", NUMBERS[1]: "anna"}, {NUMBERS[0]: "anna", NUMBERS[1]: "pbx"})
    assert names(made.changes) == [
        "Create carrier trunk dialroom-test_to_pbx-1",
        f"Update number {NUMBERS[1]}",
        "Update LiveKit trunk dialroom-test-anna",
    ]
    assert warnings(made) == [f"{NUMBERS[1]} is not answered between two API calls while moving"]


def test_an_application_takes_over_from_a_trunk() -> None:
    """Another kind of object, so nothing can be renamed."""
    made = moved({NUMBERS[0]: "pbx"}, {NUMBERS[0]: "bot"})
    assert names(made.changes) == [
        "Create carrier application dialroom-test_app_bot-1",
        f"Update number {NUMBERS[0]}",
        "Delete carrier trunk dialroom-test_to_pbx-1",
    ]
    assert len(warnings(made)) == 1


def test_a_move_between_agents_is_announced() -> None:
    """LiveKit refuses a number that two trunks have."""
    made = moved({NUMBERS[0]: "anna", NUMBERS[1]: "anna"}, {NUMBERS[0]: "anna", NUMBERS[1]: "bela"})
    assert names(made.changes)[0] == "Update LiveKit trunk dialroom-test-anna"
    assert len(warnings(made)) == 1


def test_a_number_on_somebody_elses_trunk_is_taken_over_only_when_asked() -> None:
    """And then nothing else of theirs is touched."""
    memory = Memory(owned=tuple(NUMBERS))
    theirs = memory.foreign(CarrierTrunk(name="legacy", inbound_destination="old.lotus.in"))
    memory.foreign(Assignment(name=NUMBERS[0], trunk="legacy"), server_id=NUMBERS[0])
    desired = wanted({NUMBERS[0]: "pbx"})
    assert plan(desired, memory.state()).conflicts
    made = plan(desired, memory.state(), take_over=True)
    assert made.conflicts == ()
    assert any("taken over from carrier trunk legacy" in told for told in warnings(made))
    finished(apply(Plan.from_dict(made.to_dict()), memory.state(), memory.servers))
    assert plan(desired, memory.state()).changes == ()
    assert theirs in memory.objects


places = st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(PLACES))


@given(places, places)
def test_any_routes_can_become_any_others(before: dict[str, str], after: dict[str, str]) -> None:
    """With the servers' rules at every write; a number that keeps its place is never without one."""
    made = moved(before, after)
    told = " ".join(warnings(made))
    for number in before.keys() & after.keys():
        if before[number] == after[number] and before[number] in TARGETS:
            assert number not in told
