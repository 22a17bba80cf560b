"""LiveKit's dispatch rules, ours and those of others."""

from typing import Any

import pytest

from provision.doctor.facts import Unknown
from provision.doctor.finding import Finding
from provision.doctor.rules import check_rules
from tests.provision.doctor.pure import APPLY, found, unwell, world
from tests.provision.routing.pure import OURS, WORKER, our_rule, our_trunk, their_rule, their_trunk
from tests.provision.routing.worlds import NUMBER, OTHER_NUMBER, rule

OUR_LABEL = f"LiveKit rule {OURS} (SDR_ours)"
DESK = "LiveKit rule desk (SDR_desk)"
STAMPED = {"agent": WORKER, "metadata": our_rule().metadata, "sip_dispatch_rule_id": "SDR_ours"}


def look(*rules: Any) -> list[Finding]:
    """Judge these rules beside our trunk and somebody's."""
    trunks = (our_trunk(), their_trunk("desk", OTHER_NUMBER))
    return unwell(found(check_rules, world=world(trunks=trunks, rules=rules)))


CASES = [
    ("rule_trunks", "error", OUR_LABEL, APPLY, [rule(OURS, **STAMPED)]),
    (
        "rule_trunks",
        "warning",
        DESK,
        "lk sip dispatch update --id SDR_desk --trunks TRUNK_ID",
        [our_rule(), their_rule("desk")],
    ),
    (
        "rule_trunks",
        "error",
        DESK,
        "lk sip dispatch update --id SDR_desk --trunks TRUNK_ID",
        [our_rule(), their_rule("desk", agent=WORKER)],
    ),
    ("rule_trunk_unknown", "error", OUR_LABEL, APPLY, [our_rule("ST_gone")]),
    ("rule_trunk_unknown", "warning", OUR_LABEL, APPLY, [our_rule("ST_ours", "ST_gone")]),
    (
        "rule_trunk_unknown",
        "warning",
        DESK,
        "lk sip dispatch delete SDR_desk",
        [our_rule(), their_rule("desk", "ST_gone", "ST_away")],
    ),
    ("rule_hides_caller", "error", OUR_LABEL, APPLY, [our_rule(hide_phone_number=True)]),
    (
        "rule_hides_caller",
        "error",
        DESK,
        "lk sip dispatch update --id SDR_desk rule.json",
        [our_rule(), their_rule("desk", "ST_desk", hide_phone_number=True)],
    ),
    (
        "rules_contradict",
        "error",
        DESK,
        "lk sip dispatch delete SDR_desk",
        [our_rule(), their_rule("desk", "ST_ours")],
    ),
    ("rules_contradict", "error", OUR_LABEL, APPLY, [our_rule(numbers=[NUMBER, NUMBER[1:]])]),
]


@pytest.mark.parametrize(("code", "level", "subject", "command", "rules"), CASES)
def test_what_is_wrong(code, level, subject, command, rules):
    """Each with the command that mends it."""
    (finding,) = look(*rules)
    assert (finding.code.value, finding.level) == (code, level)
    assert (finding.subject, finding.command) == (subject, command)


def test_all_is_well():
    """Another rule on another trunk is nobody's business."""
    assert look(our_rule(), their_rule("desk", "ST_desk")) == []


def test_two_rules_that_contradict_each_other_are_both_named():
    (finding,) = look(our_rule(), their_rule("desk", "ST_ours"))
    assert OUR_LABEL in finding.sentence
    assert DESK in finding.sentence


def test_what_a_rule_still_has():
    """A rule that has lost one of its trunks goes on with the other."""
    (dead,) = look(our_rule("ST_gone"))
    (alive,) = look(our_rule("ST_ours", "ST_gone"))
    assert dead.sentence == "No trunk has the id ST_gone: it never takes a call."
    assert alive.sentence == "No trunk has the id ST_gone."


def test_rules_that_were_not_read():
    findings = found(check_rules, world=Unknown("LiveKit refuses the key"))
    assert {finding.level for finding in findings} == {"skipped"}
    assert len(findings) == 4
