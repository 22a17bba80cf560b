"""Every cause: in a world that has it, with outcome, object, field and command; and none in a world without fault."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from provision.routing.verdict import Code, Outcome
from provision.routing.world import Carrier, SipService
from tests.provision.routing.pure import (
    CALL,
    CARRIER_TRUNK,
    GOOD,
    OURS,
    WORKER,
    carrier,
    our_rule,
    our_trunk,
    their_rule,
    their_trunk,
    told,
    verdict,
)
from tests.provision.routing.worlds import CALLER, NUMBER, OTHER_CALLER, OTHER_NUMBER, SOURCE

TRUNK = f"LiveKit trunk {OURS} (ST_ours)"
RULE = f"LiveKit rule {OURS} (SDR_ours)"
APPLY = "dialroom provision apply"
NUMBER_ROW = f"carrier number {NUMBER}"
CARRIER_ROW = f"carrier trunk {CARRIER_TRUNK.name} (t1)"
ONE_FORM = replace(CALL, to_forms=(NUMBER,))


@dataclass
class Case:
    """What is spoilt, how the call ends, and the causes: (code, object, field) and the command of the first."""

    name: str
    outcome: str
    causes: list[tuple[str, str, str]]
    command: str
    spoilt: dict[str, Any] = field(default_factory=dict)
    call: Any = ONE_FORM
    status: int | None = None


def trunks(*found: Any) -> dict[str, Any]:
    return {"trunks": found}


def rules(*found: Any) -> dict[str, Any]:
    return {"rules": found}


CASES = [
    # Numbers on trunks.
    Case(
        "another form on our trunk",
        "dropped",
        [("number_form", TRUNK, "numbers")],
        APPLY,
        trunks(our_trunk(numbers=[f"0{NUMBER[3:]}"])),
    ),
    Case(
        "another form on somebody's trunk",
        "dropped",
        [("number_form", "LiveKit trunk desk (ST_desk)", "numbers")],
        "lk sip inbound update --id ST_desk --numbers 08071000001 --numbers +918071000001 --numbers 00918071000001"
        " --numbers 8071000001",
        trunks(their_trunk("desk", "08071000001")),
    ),
    Case(
        "our trunk lacks the number",
        "dropped",
        [("number_not_on_trunk", TRUNK, "numbers")],
        APPLY,
        trunks(our_trunk(numbers=[OTHER_NUMBER])),
    ),
    Case(
        "a number that the manifest lacks",
        "dropped",
        [("number_not_on_trunk", TRUNK, "numbers")],
        f"dialroom provision {NUMBER} --agent NAME",
        trunks(our_trunk(numbers=[OTHER_NUMBER])) | {"numbers": frozenset()},
    ),
    Case("no trunk at all", "dropped", [("number_not_on_trunk", "LiveKit", "inbound trunks")], APPLY, trunks()),
    Case(
        "two trunks",
        "refused",
        [("two_trunks", "LiveKit trunk desk (ST_desk)", "numbers")],
        "lk sip inbound delete ST_desk",
        trunks(our_trunk(), their_trunk("desk", NUMBER)),
        status=503,
    ),
    Case(
        "two catch-alls",
        "refused",
        [("two_trunks", "LiveKit trunk b (ST_b)", "numbers")],
        "lk sip inbound delete ST_b",
        trunks(their_trunk("a"), their_trunk("b")),
        status=503,
    ),
    # Filters of trunks.
    Case(
        "the caller is not listed",
        "dropped",
        [("caller_filter", TRUNK, "allowed_numbers")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(allowed_numbers=[OTHER_CALLER])),
    ),
    Case(
        "the caller is not listed, somebody's trunk",
        "dropped",
        [("caller_filter", "LiveKit trunk desk (ST_desk)", "allowed_numbers")],
        "lk sip inbound update --id ST_desk trunk.json",
        trunks(their_trunk("desk", NUMBER, allowed_numbers=[OTHER_CALLER])),
    ),
    Case(
        "the source is not allowed",
        "dropped",
        [("source_not_allowed", TRUNK, "allowed_addresses")],
        APPLY,
        trunks(our_trunk(allowed_addresses=["198.51.100.0/24"])),
    ),
    Case(
        "both filters",
        "dropped",
        [("caller_filter", TRUNK, "allowed_numbers"), ("source_not_allowed", TRUNK, "allowed_addresses")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(allowed_addresses=["198.51.100.0/24"], allowed_numbers=[OTHER_CALLER])),
    ),
    Case(
        "a filter of the only catch-all",
        "dropped",
        [
            ("number_not_on_trunk", "LiveKit", "inbound trunks"),
            ("source_not_allowed", "LiveKit trunk all (ST_all)", "allowed_addresses"),
        ],
        APPLY,
        trunks(their_trunk("all", allowed_addresses=["198.51.100.0/24"])),
    ),
    Case(
        "a source that is no address",
        "refused",
        [("source_unreadable", "call", "source_ip")],
        "",
        call=replace(ONE_FORM, source_ip="carrier"),
        status=503,
    ),
    # Doubts about trunks.
    Case(
        "an address that can be forged",
        "answered",
        [("address_forgeable", TRUNK, "allowed_addresses")],
        APPLY,
        trunks(our_trunk(allowed_addresses=[f"{SOURCE}/32", "sip.carrier.in"])),
    ),
    Case(
        "addresses that cannot be read",
        "answered",
        [("addresses_unread", TRUNK, "allowed_addresses")],
        APPLY,
        trunks(our_trunk(allowed_addresses=["10.0.0.1;10.0.0.2"])),
    ),
    Case(
        "no addresses",
        "answered",
        [("addresses_open", TRUNK, "allowed_addresses")],
        APPLY,
        trunks(our_trunk(allowed_addresses=[])),
    ),
    Case(
        "a catch-all takes the call that our trunk should take",
        "answered",
        [
            ("source_not_allowed", TRUNK, "allowed_addresses"),
            ("catch_all_trunk", "LiveKit trunk all (ST_all)", "numbers"),
        ],
        APPLY,
        trunks(our_trunk(allowed_addresses=["198.51.100.0/24"]), their_trunk("all"))
        | rules(our_rule("ST_ours", "ST_all")),
    ),
    Case(
        "a catch-all takes the call away from our agent",
        "rings",
        [
            ("source_not_allowed", TRUNK, "allowed_addresses"),
            ("catch_all_trunk", "LiveKit trunk all (ST_all)", "numbers"),
            ("other_agent", "LiveKit rule theirs (SDR_theirs)", "room_config.agents"),
        ],
        APPLY,
        trunks(our_trunk(allowed_addresses=["198.51.100.0/24"]), their_trunk("all"))
        | rules(our_rule(), their_rule("theirs", "ST_all", agent="bela")),
        status=486,
    ),
    # Passwords.
    Case(
        "a password",
        "refused",
        [("auth_demanded", TRUNK, "auth_username")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(auth_username="lotus", auth_password="secret")),
        status=407,
    ),
    Case(
        "another user name",
        "refused",
        [("auth_user", TRUNK, "auth_username")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(auth_username="lotus", auth_password="secret")),
        call=replace(ONE_FORM, auth="rose"),
        status=401,
    ),
    Case(
        "half a password",
        "answered",
        [("auth_half_set", TRUNK, "auth_password")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(auth_username="lotus")),
    ),
    Case(
        "the other half",
        "answered",
        [("auth_half_set", TRUNK, "auth_username")],
        f"lk sip inbound delete ST_ours && {APPLY}",
        trunks(our_trunk(auth_password="secret")),
    ),
    # Rules and trunks.
    Case("no rule", "dropped", [("trunk_without_rule", TRUNK, "dispatch rules")], APPLY, rules()),
    Case(
        "no rule for somebody's trunk",
        "dropped",
        [("trunk_without_rule", "LiveKit trunk desk (ST_desk)", "dispatch rules")],
        "lk sip dispatch create rule.json",
        trunks(their_trunk("desk", NUMBER)) | rules(),
    ),
    Case(
        "a rule with a wrong trunk id",
        "dropped",
        [("rule_trunk_unknown", RULE, "trunk_ids")],
        APPLY,
        rules(our_rule("ST_gone")),
    ),
    Case(
        "somebody's rule with a wrong trunk id",
        "dropped",
        [("rule_trunk_unknown", "LiveKit rule theirs (SDR_theirs)", "trunk_ids")],
        "lk sip dispatch update --id SDR_theirs --trunks ST_ours",
        rules(their_rule("theirs", "ST_gone")),
    ),
    Case(
        "a rule without trunk",
        "answered",
        [
            ("rule_without_trunk", "LiveKit rule any (SDR_any)", "trunk_ids"),
            ("trunk_without_rule", TRUNK, "dispatch rules"),
        ],
        "lk sip dispatch update --id SDR_any --trunks ST_ours",
        rules(their_rule("any", agent=WORKER)),
    ),
    Case(
        "a rule without trunk, and no trunk",
        "answered",
        [
            ("number_not_on_trunk", "LiveKit", "inbound trunks"),
            ("rule_without_trunk", "LiveKit rule any (SDR_any)", "trunk_ids"),
        ],
        APPLY,
        trunks() | rules(their_rule("any", agent=WORKER)),
    ),
    Case(
        "callers of our rule",
        "dropped",
        [("caller_filter", RULE, "inbound_numbers")],
        APPLY,
        rules(our_rule(inbound_numbers=[OTHER_CALLER])),
    ),
    Case(
        "callers of a rule of every trunk",
        "dropped",
        [
            ("number_not_on_trunk", "LiveKit", "inbound trunks"),
            ("caller_filter", "LiveKit rule any (SDR_any)", "inbound_numbers"),
        ],
        APPLY,
        trunks() | rules(their_rule("any", inbound_numbers=[OTHER_CALLER])),
    ),
    Case(
        "called numbers of a rule",
        "dropped",
        [("called_filter", "LiveKit rule theirs (SDR_theirs)", "numbers")],
        "lk sip dispatch update --id SDR_theirs rule.json",
        rules(their_rule("theirs", "ST_ours", numbers=[NUMBER[1:]])),
    ),
    # Rules beside each other.
    Case(
        "two rules that contradict each other",
        "refused",
        [("rules_contradict", "LiveKit rule theirs (SDR_theirs)", "trunk_ids")],
        "lk sip dispatch delete SDR_theirs",
        rules(our_rule(), their_rule("theirs", "ST_ours")),
        status=503,
    ),
    Case(
        "a rule that contradicts itself",
        "refused",
        [("rules_contradict", RULE, "trunk_ids")],
        APPLY,
        rules(our_rule(numbers=[NUMBER, NUMBER[1:]])),
        status=503,
    ),
    Case(
        "a rule with a PIN goes before ours",
        "pin",
        [
            ("rule_shadowed", "LiveKit rule theirs (SDR_theirs)", "rule.dispatch_rule_individual.pin"),
            ("pin_asked", "LiveKit rule theirs (SDR_theirs)", "rule.pin"),
        ],
        "lk sip dispatch delete SDR_theirs",
        rules(our_rule(), their_rule("theirs", "ST_ours", pin="1234")),
    ),
    Case(
        "a rule for the caller goes before ours",
        "rings",
        [
            ("rule_shadowed", "LiveKit rule theirs (SDR_theirs)", "rule"),
            ("other_agent", "LiveKit rule theirs (SDR_theirs)", "room_config.agents"),
        ],
        "lk sip dispatch delete SDR_theirs",
        rules(our_rule(), their_rule("theirs", "ST_ours", inbound_numbers=[CALLER])),
        status=486,
    ),
    Case(
        "hidden numbers, and a caller without one",
        "refused",
        [("hidden_caller", RULE, "hide_phone_number")],
        APPLY,
        rules(our_rule(hide_phone_number=True)),
        call=replace(ONE_FORM, from_number=""),
        status=503,
    ),
    Case(
        "hidden numbers",
        "answered",
        [("hidden_caller", RULE, "hide_phone_number")],
        APPLY,
        rules(our_rule(hide_phone_number=True)),
    ),
    # Agents.
    Case(
        "no agent",
        "rings",
        [("no_agent", RULE, "room_config.agents")],
        APPLY,
        rules(our_rule(agent=None)),
        status=486,
    ),
    Case(
        "an agent without name",
        "rings",
        [("no_agent", "LiveKit rule theirs (SDR_theirs)", "room_config.agents")],
        "lk sip dispatch update --id SDR_theirs rule.json",
        rules(their_rule("theirs", "ST_ours", agent="")),
        status=486,
    ),
    Case(
        "another agent",
        "rings",
        [("other_agent", RULE, "room_config.agents")],
        APPLY,
        rules(our_rule(agent="bela")),
        status=486,
    ),
    Case(
        "no worker took the last call",
        "rings",
        [("no_worker", RULE, "room_config.agents")],
        "dialroom worker",
        {"unserved_agents": frozenset({WORKER})},
        status=486,
    ),
    # The SIP service.
    Case(
        "no Redis",
        "lost",
        [("sip_without_redis", "livekit-server", "redis")],
        "docker compose up -d",
        {"sip": SipService.NO_REDIS, "trunks": [], "rules": []},
    ),
    Case(
        "no SIP node",
        "lost",
        [("sip_node_missing", "livekit-sip", "process")],
        "docker compose up -d sip",
        {"sip": SipService.NO_NODE},
    ),
    # The carrier.
    Case(
        "a number of somebody else",
        "lost",
        [("number_not_owned", NUMBER_ROW, "account")],
        "",
        {"carrier": Carrier(numbers={}, trunks={})},
    ),
    Case(
        "a blocked number",
        "lost",
        [("number_blocked", NUMBER_ROW, "status")],
        "",
        {"carrier": carrier({"blockers": ("the carrier has blocked it",)})},
    ),
    Case(
        "an application",
        "lost",
        [("application_attached", NUMBER_ROW, "application")],
        "",
        {"carrier": carrier({"application_id": "app1"})},
    ),
    Case(
        "not assigned",
        "lost",
        [("number_not_assigned", NUMBER_ROW, "trunk")],
        APPLY,
        {"carrier": carrier({"trunk_id": None})},
    ),
    Case(
        "not assigned, and not in the manifest",
        "lost",
        [("number_not_assigned", NUMBER_ROW, "trunk")],
        f"dialroom provision {NUMBER} --agent NAME",
        {"carrier": carrier({"trunk_id": None}), "numbers": frozenset()},
    ),
    Case(
        "a trunk that is not there",
        "lost",
        [("carrier_trunk_missing", NUMBER_ROW, "trunk")],
        APPLY,
        {"carrier": carrier({"trunk_id": "t2"})},
    ),
    Case(
        "another trunk",
        "lost",
        [("number_on_other_trunk", NUMBER_ROW, "trunk")],
        f"{APPLY} --take-over",
        {"carrier": carrier(name="theirs", inbound_destination="sip.rose.in")},
    ),
    Case(
        "an outgoing trunk",
        "lost",
        [("carrier_trunk_outbound", CARRIER_ROW, "direction")],
        APPLY,
        {"carrier": carrier(is_outbound=True)},
    ),
    Case(
        "a disabled trunk",
        "lost",
        [("carrier_trunk_disabled", CARRIER_ROW, "status")],
        APPLY,
        {"carrier": carrier(enabled=False)},
    ),
    Case(
        "no destination",
        "lost",
        [("destination_missing", CARRIER_ROW, "inbound_destination")],
        APPLY,
        {"carrier": carrier(inbound_destination="")},
    ),
    Case(
        "a destination with sip:",
        "lost",
        [("destination_scheme", CARRIER_ROW, "inbound_destination")],
        APPLY,
        {"carrier": carrier(inbound_destination="sip:sip.lotus.in")},
    ),
    Case(
        "another destination",
        "lost",
        [("destination_wrong", CARRIER_ROW, "inbound_destination")],
        APPLY,
        {"carrier": carrier(inbound_destination="sip.lotus.in:5070")},
    ),
    Case(
        "faults on both sides",
        "lost",
        [("carrier_trunk_disabled", CARRIER_ROW, "status"), ("no_agent", RULE, "room_config.agents")],
        APPLY,
        {"carrier": carrier(enabled=False)} | rules(our_rule(agent=None)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_told(case: Case):
    """Outcome, and of each cause which field of which object; the command of the first."""
    found = verdict(case.call, **case.spoilt)
    assert (found.outcome, found.status) == (Outcome(case.outcome), case.status)
    assert told(found) == case.causes
    assert found.causes[0].command == case.command
    assert all(cause.sentence.endswith(".") and cause.mend for cause in found.causes)
    assert found.exit_code == (0 if case.outcome == "answered" else 1)
    levels = {cause.level for cause in found.causes}
    assert levels == {"warning"} if case.outcome == "answered" else "error" in levels


def test_every_cause_is_in_the_table():
    """And none that nothing leads to."""
    assert {code for case in CASES for code, _, _ in case.causes} == {code.value for code in Code}


def test_a_world_without_fault():
    """No cause, every hop good or not to be seen from here, every form of the number answered."""
    found = verdict(CALL)
    assert found.causes == ()
    assert (found.outcome, found.agent, found.room_prefix) == (Outcome.ANSWERED, WORKER, "call")
    assert (found.trunk.id, found.rule.id) == ("ST_ours", "SDR_ours")
    assert [step.is_ok for step in found.steps] == [True, True, True, True, True, True, None]
    assert {variant.outcome for variant in found.variants} == {Outcome.ANSWERED}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"carrier": carrier(inbound_destination="SIP.lotus.in:5060")},
        {"carrier": carrier(name="theirs")},
        {"carrier": None, "carrier_error": "no key"},
        {"sip": SipService.UNKNOWN},
        {"seen_agents": frozenset({WORKER}), "unserved_agents": frozenset({WORKER})},
        {"trunks": [our_trunk(), their_trunk("other", OTHER_NUMBER)]},
        {"trunks": [our_trunk(), their_trunk("all")]},
        {"rules": [our_rule(), their_rule("any")]},
        {"rules": [our_rule("ST_ours", "ST_gone")]},
        {"rules": [our_rule(inbound_numbers=[CALLER])]},
        {"trunks": [our_trunk(allowed_numbers=[CALLER[1:]])]},
        {"agent_names": ()},
    ],
    ids=lambda spoilt: ",".join(spoilt),
)
def test_what_is_no_fault_is_not_told(spoilt):
    """Things that look like one."""
    found = verdict(ONE_FORM, **spoilt)
    assert (found.outcome, found.causes) == (Outcome.ANSWERED, ())


def test_a_password_that_is_given():
    """A trunk with a password answers whoever signs in."""
    found = verdict(replace(ONE_FORM, auth="lotus"), trunks=[our_trunk(auth_username="lotus", auth_password="x")])
    assert (found.outcome, found.causes) == (Outcome.ANSWERED, ())


def test_other_forms_are_told_together():
    """The call is answered as it stands; in other forms it would not be."""
    found = verdict(CALL, trunks=[our_trunk(numbers=[NUMBER])])
    assert found.outcome is Outcome.ANSWERED
    (cause,) = found.causes
    assert (cause.code, cause.level) == (Code.NUMBER_FORM, "warning")
    assert "00918071000001, 08071000001, 8071000001" in cause.sentence
    outcomes = {variant.to_form: variant.outcome.value for variant in found.variants}
    assert outcomes[NUMBER[1:]] == "answered"
    assert outcomes["08071000001"] == "dropped"


def test_other_sources_are_told():
    """The carrier has several addresses; the trunk must allow them all."""
    found = verdict(replace(CALL, other_sources=("198.51.100.9",)))
    assert found.outcome is Outcome.ANSWERED
    (cause,) = found.causes
    assert (cause.code, cause.level) == (Code.SOURCE_NOT_ALLOWED, "warning")
    assert "198.51.100.9" in cause.sentence


def test_a_carrier_that_cannot_be_read_leaves_the_hop_open():
    """The rest is judged all the same."""
    found = verdict(CALL, carrier=None, carrier_error="cannot reach the carrier")
    assert [(step.is_ok, step.text) for step in found.steps[:2]] == [
        (None, "cannot reach the carrier"),
        (None, "the carrier was not asked"),
    ]
    assert found.outcome is Outcome.ANSWERED


def test_the_good_world_has_no_other_numbers():
    """A number that only the carrier knows is told at both sides."""
    found = verdict(replace(CALL, number=OTHER_NUMBER, to_forms=(OTHER_NUMBER,)))
    assert [cause.code for cause in found.causes] == [Code.NUMBER_NOT_OWNED, Code.NUMBER_NOT_ON_TRUNK]
    assert GOOD.carrier is not None


def test_a_strange_address_is_not_to_be_let_in_unseen():
    """A stranger's address is refused rightly; only the manifest lets in another one."""
    (cause,) = verdict(replace(CALL, source_ip="203.0.113.66")).causes
    assert cause.code is Code.SOURCE_NOT_ALLOWED
    assert cause.mend.startswith("if 203.0.113.66 is the carrier's, allow it (vobiz.signalling in the manifest")
