"""Properties of planning that hold for any manifest on any state of the servers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.apply import apply, check_applied
from provision.desired import Desired, desire, desire_one
from provision.errors import ApplyError
from provision.observed import Observed
from provision.plan import Plan, plan
from provision.values import Assignment, DispatchRule, InboundTrunk
from telephony.manifest.model import Manifest
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute
from tests.provision.memory import Memory, finished
from tests.telephony.manifest.manifests import parsed

NUMBERS = [f"+9180710000{index:02}" for index in range(5)]
AGENTS = ["anna", "bela", "cleo"]
PROFILES = {agent: parsed().agents["front-desk"] for agent in AGENTS}

routes = st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(AGENTS))
hosts = st.sampled_from(["sip.lotus.in", "sip.lotus.in:5080"])
cidrs = st.lists(st.sampled_from(["10.0.0.0/24", "10.1.0.0/24"]), min_size=1, unique=True)
manifests = st.builds(
    lambda numbers, host: parsed().model_copy(
        update={
            "agents": PROFILES,
            "numbers": tuple(NumberEntry(number=n, route=AgentRoute(agent=a)) for n, a in numbers.items()),
            "livekit": parsed().livekit.model_copy(update={"sip_host": host}),
        }
    ),
    routes,
    hosts,
)
desires = st.builds(lambda manifest, addresses: desire(manifest, carrier_cidrs=addresses), manifests, cidrs)


def provisioned(desired: Desired) -> Memory:
    """Return servers on which a deployment was applied, beside somebody else's objects."""
    memory = Memory(owned=(*NUMBERS, "+919812345678"))
    memory.foreign(Assignment(name="+919812345678", trunk="legacy"))
    memory.foreign(InboundTrunk(name="legacy", numbers=("+919812345678",), allowed_addresses=("10.9.0.0/24",)))
    make_so(desired, memory)
    return memory


def make_so(desired: Desired, memory: Memory) -> Plan:
    """Plan and apply, and return the plan."""
    made = plan(desired, memory.state())
    finished(apply(made, memory.state(), memory.servers))
    check_applied(made, memory.state())
    return made


@given(desires, desires)
def test_any_deployment_can_become_any_other_and_then_there_is_nothing_to_do(before, after):
    """The servers' own rules hold at every write in between: no number on two trunks, no trunk without numbers."""
    memory = provisioned(before)
    make_so(after, memory)
    assert plan(after, memory.state()).changes == ()
    assert plan(after, memory.state()).conflicts == ()


@given(desires, desires, st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(before, after, random):
    """Servers list in any order; equal inputs give equal plans."""
    memory = provisioned(before)
    values, objects, owned = list(after.values), list(memory.state().objects), list(memory.state().owned_numbers)
    for some in (values, objects, owned):
        random.shuffle(some)
    shuffled = Desired(deployment=after.deployment, values=tuple(values))
    observed = Observed(objects=tuple(objects), owned_numbers=tuple(owned))
    assert plan(after, memory.state()) == plan(shuffled, observed)


@given(desires, desires)
def test_a_plan_survives_the_way_through_json(before, after):
    """A saved plan is the plan."""
    made = plan(after, provisioned(before).state())
    assert Plan.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@given(desires, desires)
def test_users_come_after_what_they_use_and_go_before_it(before, after):
    """A change needs nothing that a later change makes, and nothing needs what it removes."""
    made = plan(after, provisioned(before).state())
    keys = [change.key for change in made.changes]
    for index, change in enumerate(made.changes):
        value = getattr(change, "after", None)
        for needed in value.needs if value is not None else ():
            assert needed not in keys[index + 1 :]


@settings(max_examples=50)
@given(desires, desires, st.integers(min_value=0, max_value=20))
def test_a_rerun_converges_from_any_point_of_failure(before, after, fails_at):
    """The error says what is done and what remains; the next run does the rest."""
    memory = provisioned(before)
    made = plan(after, memory.state())
    memory.break_at = memory.writes + fails_at
    if fails_at < len(made.changes):
        with pytest.raises(ApplyError) as failure:
            finished(apply(made, memory.state(), memory.servers))
        error = failure.value
        assert (*error.done, error.failed, *error.remaining) == made.changes
        assert len(error.done) == fails_at
    memory.break_at = None
    make_so(after, memory)
    assert plan(after, memory.state()).changes == ()


@given(desires, desires)
def test_what_is_not_ours_is_never_touched(before, after):
    """It is there afterwards as it was, and every plan names it."""
    memory = provisioned(before)
    foreign = [seen for seen in memory.objects if seen.stamp is None]
    made = make_so(after, memory)
    assert [seen for seen in memory.objects if seen.stamp is None] == foreign
    assert any("legacy" in report.message for report in made.reports)


@given(manifests, st.sampled_from(NUMBERS), st.sampled_from(AGENTS), cidrs)
def test_one_number_is_added_or_moved_and_no_other_is_touched(manifest: Manifest, number, agent, addresses):
    """`dialroom provision NUMBER --agent A` on any deployment: that number goes to A, all others stay."""
    memory = provisioned(desire(manifest, carrier_cidrs=addresses))
    entry = NumberEntry(number=number, route=AgentRoute(agent=agent))
    make_so(desire_one(manifest, entry, memory.state(), carrier_cidrs=addresses), memory)
    expected = {entry.number: entry.route.agent for entry in manifest.numbers} | {number: agent}
    assert routes_of(memory) == expected
    assert plan(desire_one(manifest, entry, memory.state(), carrier_cidrs=addresses), memory.state()).changes == ()


def routes_of(memory: Memory) -> dict[str, str]:
    """Follow every assigned number through trunk and rule to the agent that its calls reach."""
    ours = memory.state().ours("test")
    rules = {
        trunk: json.loads(v.agent_metadata)["agent"] for v in ours if isinstance(v, DispatchRule) for trunk in v.trunks
    }
    agents = {n: rules[v.name] for v in ours if isinstance(v, InboundTrunk) for n in v.numbers}
    return {value.name: agents[value.name] for value in ours if isinstance(value, Assignment)}
