"""Planning by example: what is made in which order, and what stands in the way."""

from dataclasses import replace

import pytest

from provision.apply import apply
from provision.changes import Create, Delete, Report, Update
from provision.desired import Desired, desire
from provision.errors import PlanConflictError, PlanStaleError
from provision.observed import Observed, OwnedNumber, Seen
from provision.plan import Plan, plan
from provision.values import Assignment, CarrierTrunk, DispatchRule, InboundTrunk
from telephony.dispatch import DispatchMetadata, worker_name
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute
from tests.provision.memory import Memory, finished, names
from tests.telephony.manifest.manifests import parsed

ONE, TWO = "+918071000001", "+918071000002"


def manifest(**routes: str):
    agents = {agent: parsed().agents["front-desk"] for agent in ("anna", "bela")}
    numbers = {"one": ONE, "two": TWO}
    entries = tuple(NumberEntry(number=numbers[n], route=AgentRoute(agent=a)) for n, a in routes.items())
    return parsed().model_copy(update={"agents": agents, "numbers": entries})


@pytest.fixture
def memory():
    return Memory(owned=(ONE, TWO))


def made_so(memory: Memory, **routes: str) -> Plan:
    made = plan(desire(manifest(**routes)), memory.state())
    finished(apply(made, memory.state(), memory.servers))
    return made


def conflicts(memory: Memory, **routes: str) -> list[str]:
    return [report.message for report in plan(desire(manifest(**routes)), memory.state()).conflicts]


def test_livekit_is_ready_before_the_carrier_sends_calls(memory):
    """Trunk, rule, carrier trunk, number: in this order."""
    assert names(made_so(memory, one="anna").changes) == [
        "Create LiveKit trunk dialroom-test-anna",
        "Create LiveKit rule dialroom-test-anna",
        "Create carrier trunk dialroom-test-in",
        "Create number +918071000001",
    ]


def test_what_is_made_follows_the_rules_of_livekit(memory):
    """Every form of the number, CIDRs only, the rule bound to its trunk, the worker named."""
    made_so(memory, one="anna")
    trunk, rule = (
        next(v for v in memory.state().ours("test") if isinstance(v, kind)) for kind in (InboundTrunk, DispatchRule)
    )
    assert trunk.numbers == ("+918071000001", "00918071000001", "08071000001", "8071000001")
    assert len(trunk.allowed_addresses) == 10
    assert all(address.endswith("/32") for address in trunk.allowed_addresses)
    assert trunk.krisp is False
    assert rule.trunks == (trunk.name,)
    assert rule.room_prefix == "call"
    assert rule.agent_name == worker_name("test")
    assert DispatchMetadata.from_json(rule.agent_metadata) == DispatchMetadata(deployment="test", agent="anna")


def test_the_second_run_has_nothing_to_do(memory):
    """No change, no write."""
    made_so(memory, one="anna", two="bela")
    writes = memory.writes
    assert made_so(memory, one="anna", two="bela").changes == ()
    assert memory.writes == writes


def test_a_number_that_moves_is_given_up_before_it_is_taken(memory):
    """LiveKit refuses a number that another trunk still has."""
    made_so(memory, one="anna", two="anna")
    assert names(made_so(memory, one="anna", two="bela").changes) == [
        "Update LiveKit trunk dialroom-test-anna",
        "Create LiveKit trunk dialroom-test-bela",
        "Create LiveKit rule dialroom-test-bela",
    ]


def test_two_agents_that_swap_their_only_numbers_never_have_a_trunk_without_numbers(memory):
    """A trunk without numbers would take every number: the trunks are replaced."""
    made_so(memory, one="anna", two="bela")
    made = made_so(memory, one="bela", two="anna")
    assert {type(change) for change in made.changes} == {Delete, Create}
    assert made_so(memory, one="bela", two="anna").changes == ()


def test_an_agent_without_numbers_is_taken_down_users_first(memory):
    """Rule before trunk; nothing of it remains."""
    made_so(memory, one="anna", two="bela")
    assert names(made_so(memory, one="anna").changes) == [
        "Delete number +918071000002",
        "Delete LiveKit rule dialroom-test-bela",
        "Delete LiveKit trunk dialroom-test-bela",
    ]


def test_a_manifest_without_numbers_takes_everything_down(memory):
    """The carrier stops first."""
    made_so(memory, one="anna")
    assert names(made_so(memory).changes) == [
        "Delete number +918071000001",
        "Delete carrier trunk dialroom-test-in",
        "Delete LiveKit rule dialroom-test-anna",
        "Delete LiveKit trunk dialroom-test-anna",
    ]
    assert memory.objects == []


def test_what_somebody_changed_by_hand_is_put_right(memory):
    """A pin on our rule, a foreign address on our trunk."""
    made_so(memory, one="anna")
    for seen in list(memory.objects):
        if isinstance(seen.value, DispatchRule):
            memory.objects.remove(seen)
            changed = DispatchRule(
                **{
                    f: getattr(seen.value, f) for f in ("name", "trunks", "room_prefix", "agent_name", "agent_metadata")
                },
                restrictions=("pin",),
            )
            memory.objects.append(type(seen)(value=changed, server_id=seen.server_id, stamp=seen.stamp))
    made = made_so(memory, one="anna")
    assert [type(change) for change in made.changes] == [Update]


@pytest.mark.parametrize("form", ["+918071000001", "918071000001", "91 8071000001", "08071000001"])
def test_a_number_on_a_foreign_livekit_trunk_is_a_conflict_that_names_both_sides(memory, form):
    """In any form that LiveKit takes for the same."""
    memory.foreign(InboundTrunk(name="legacy", numbers=(form,), allowed_addresses=()), server_id="ST_1")
    (told,) = conflicts(memory, one="anna")
    assert told.startswith("+918071000001: LiveKit trunk legacy (ST_1) has it (not made by dialroom), ")
    adopt = "make that one ours with `dialroom provision adopt`"
    assert told.endswith(f"so LiveKit trunk dialroom-test-anna cannot; {adopt}, or take it out there")
    assert conflicts(memory, two="bela") == []
    memory.foreign(InboundTrunk(name="more", numbers=(TWO, "+918071000009"), allowed_addresses=()), server_id="ST_2")
    (told,) = conflicts(memory, two="bela")
    assert told.endswith("so LiveKit trunk dialroom-test-bela cannot; take it out there")


def test_a_number_on_another_deployments_trunk_is_a_conflict(memory):
    """Two deployments cannot share a number."""
    other = InboundTrunk(name="dialroom-prod-anna", numbers=(ONE,), allowed_addresses=())
    memory.foreign(other, stamp="prod", server_id="ST_1")
    assert "(deployment prod)" in conflicts(memory, one="anna")[0]


def test_a_foreign_trunk_without_numbers_is_no_conflict(memory):
    """LiveKit prefers the trunk that has the number."""
    memory.foreign(InboundTrunk(name="all", numbers=(), allowed_addresses=()))
    assert conflicts(memory, one="anna") == []


def test_a_number_on_a_foreign_carrier_trunk_is_a_conflict_that_names_both_sides(memory):
    """We do not take a number from something that works."""
    memory.foreign(CarrierTrunk(name="pbx", inbound_destination="pbx.lotus.in"), server_id="T-1")
    memory.foreign(Assignment(name=ONE, trunk="pbx"), server_id=ONE)
    (told,) = conflicts(memory, one="anna")
    assert told.startswith("+918071000001: carrier trunk pbx (T-1) has it (not made by dialroom), ")
    assert told.endswith("so carrier trunk dialroom-test-in cannot; unassign it there, or --take-over")


def test_what_may_be_adopted_is_not_only_to_be_taken_over(memory):
    """A carrier trunk with nothing but the numbers of one route; not one that has more."""
    memory.foreign(CarrierTrunk(name="pbx", inbound_destination="pbx.lotus.in"), server_id="T-1")
    for number in (ONE, TWO):
        memory.objects.append(
            Seen(value=Assignment(name=number, trunk="pbx"), server_id=number, stamp=None, refers=frozenset({"T-1"}))
        )
    ways = "unassign it there, or --take-over"
    told = conflicts(memory, one="anna", two="bela")
    assert len(told) == 2
    assert all(text.endswith(f"; make that one ours with `dialroom provision adopt`, {ways}") for text in told)
    (told,) = conflicts(memory, one="anna")
    assert told.endswith(f"cannot; {ways}")


def test_a_number_that_the_account_does_not_own_is_a_conflict(memory):
    """The carrier would answer 404."""
    memory.owned = (TWO,)
    assert conflicts(memory, one="anna") == ["+918071000001 is not a number of this carrier account"]


def test_a_number_that_cannot_take_calls_is_a_conflict(memory):
    """With the carrier's reasons in words."""
    state = memory.state()
    owned = (OwnedNumber(number=ONE, blockers=("trial numbers take no calls", "the carrier has blocked it")),)
    made = plan(desire(manifest(one="anna")), type(state)(objects=state.objects, owned_numbers=owned))
    assert [report.message for report in made.conflicts] == [
        "+918071000001 cannot take calls: trial numbers take no calls, the carrier has blocked it"
    ]


def test_the_same_object_twice_is_dropped_where_nothing_hangs_on_it(memory):
    """After a lost answer: the one that is used stays."""
    made_so(memory, one="anna")
    (kept,) = [seen for seen in memory.objects if isinstance(seen.value, CarrierTrunk)]
    memory.foreign(kept.value, stamp="test", server_id="A-first")
    memory.objects = [
        replace(seen, refers=frozenset({kept.server_id})) if isinstance(seen.value, Assignment) else seen
        for seen in memory.objects
    ]
    assert conflicts(memory, one="anna") == []
    made = made_so(memory, one="anna")
    assert names(made.changes) == ["Drop carrier trunk dialroom-test-in"]
    assert [seen.server_id for seen in memory.objects if isinstance(seen.value, CarrierTrunk)] == [kept.server_id]


def test_the_same_object_twice_is_a_conflict_when_both_are_used(memory):
    """A person decides which."""
    for server_id in ("T-1", "T-2"):
        memory.foreign(
            CarrierTrunk(name="dialroom-test-in", inbound_destination="sip.lotus.in"), stamp="test", server_id=server_id
        )
        memory.objects.append(
            Seen(value=Assignment(name=server_id), server_id="n", stamp=None, refers=frozenset({server_id}))
        )
    assert conflicts(memory, one="anna") == [
        "carrier trunk dialroom-test-in is there twice (T-1 and T-2), and both are used; delete one of them"
    ]


def test_a_foreign_rule_on_our_trunk_is_a_conflict(memory):
    """It would take the calls, or LiveKit would refuse ours."""
    made_so(memory, one="anna")
    memory.foreign(
        DispatchRule(name="x", trunks=("dialroom-test-anna",), room_prefix="", agent_name="", agent_metadata=""),
        server_id="SDR_1",
    )
    assert "LiveKit rule x (SDR_1) (not made by dialroom) takes the calls of" in conflicts(memory, one="anna")[0]


def test_a_foreign_rule_without_trunks_is_a_warning(memory):
    """It answers anybody; that is not ours to change."""
    memory.foreign(DispatchRule(name="x", trunks=(), room_prefix="", agent_name="", agent_metadata=""))
    made = plan(desire(manifest(one="anna")), memory.state())
    assert any(report.level == "warning" and "answers calls from anybody" in report.message for report in made.reports)
    assert made.conflicts == ()


def test_an_example_host_is_a_warning():
    """`sip.example.com` in the manifest means that no call will ever arrive."""
    made = plan(desire(manifest(one="anna")), Memory(owned=(ONE,)).state())
    assert [report.level for report in made.reports] == ["warning"]
    assert "sip.example.com" in made.reports[0].message


def test_objects_of_other_deployments_only_are_a_warning(memory):
    """A name that was mistyped or changed: what is there is not touched, and not passed over in silence."""
    warning = "nothing of deployment prdo is there, but objects of test are: is its name right?"
    assert all(report.subject != "prdo" for report in plan(Desired(deployment="prdo", values=()), Observed()).reports)
    made_so(memory, one="anna")
    made = plan(Desired(deployment="prdo", values=()), memory.state())
    assert Report("warning", "prdo", warning) in made.reports
    assert made.changes == made.conflicts == ()
    reports = plan(desire(manifest(one="anna", two="bela")), memory.state()).reports
    assert not any("is there, but" in report.message for report in reports)


def test_conflicts_keep_everything_from_being_written(memory):
    """Nothing is written, and the error has every conflict."""
    memory.owned = ()
    made = plan(desire(manifest(one="anna", two="anna")), memory.state())
    with pytest.raises(PlanConflictError, match=r"and 1 more conflicts\); nothing was changed") as refused:
        finished(apply(made, memory.state(), memory.servers))
    assert len(refused.value.reports) == 2
    assert memory.writes == 0


def test_a_conflict_that_came_up_after_the_plan_keeps_everything_from_being_written(memory):
    """The whole list is checked again just before the first write."""
    made = plan(desire(manifest(one="anna")), memory.state())
    memory.foreign(InboundTrunk(name="legacy", numbers=(ONE,), allowed_addresses=()))
    with pytest.raises(PlanConflictError, match="legacy"):
        finished(apply(made, memory.state(), memory.servers))
    assert memory.writes == 0


def test_a_plan_of_yesterday_is_refused_when_the_world_moved(memory):
    """Somebody else applied meanwhile."""
    made = plan(desire(manifest(one="anna")), memory.state())
    made_so(memory, one="anna")
    writes = memory.writes
    with pytest.raises(PlanStaleError, match="changed after the plan was made"):
        finished(apply(made, memory.state(), memory.servers))
    assert memory.writes == writes


def test_reports_are_sorted_by_how_bad_they_are():
    """Conflicts first, notes last."""
    reports = [Report("note", "a", "a"), Report("warning", "a", "a"), Report("conflict", "z", "z")]
    assert [report.level for report in sorted(reports)] == ["conflict", "warning", "note"]
