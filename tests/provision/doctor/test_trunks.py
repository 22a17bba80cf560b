"""LiveKit's inbound trunks, ours and those of others."""

from typing import Any

import pytest

from provision.doctor.facts import Unknown
from provision.doctor.finding import Finding
from provision.doctor.trunk_addresses import weakness
from provision.doctor.trunks import check_trunks
from provision.routing.world import SipService
from tests.provision.doctor.pure import APPLY, found, told, unwell, world
from tests.provision.routing.pure import OURS, WORKER, our_rule, our_trunk, their_rule, their_trunk
from tests.provision.routing.worlds import CALLER, OTHER_NUMBER

OUR_LABEL = f"LiveKit trunk {OURS} (ST_ours)"
CLOSED = {"allowed_addresses": ["203.0.113.5/32"]}
PASSWORD = {"auth_username": "desk", "auth_password": "x" * 12}


def look(*trunks: Any, rules: Any = ()) -> list[Finding]:
    """Judge these trunks; each of the others has a rule that asks for another agent."""
    own = [their_rule(trunk.name, trunk.sip_trunk_id) for trunk in trunks if trunk.sip_trunk_id != "ST_ours"]
    return found(check_trunks, world=world(trunks=trunks, rules=(our_rule(), *(rules or own))))


@pytest.mark.parametrize(
    ("code", "spoilt", "command"),
    [
        ("trunk_numbers", {"numbers": []}, APPLY),
        ("trunk_addresses", {"allowed_addresses": []}, APPLY),
        ("trunk_addresses", {"allowed_addresses": ["13.233.44.61"]}, APPLY),
        ("trunk_password", PASSWORD, f"lk sip inbound delete ST_ours && {APPLY}"),
        ("trunk_callers", {"allowed_numbers": [CALLER]}, f"lk sip inbound delete ST_ours && {APPLY}"),
    ],
)
def test_ours(code, spoilt, command):
    """Calls do not arrive, or strangers do."""
    (finding,) = unwell(look(our_trunk(**spoilt)))
    assert (finding.code.value, finding.level, finding.subject) == (code, "error", OUR_LABEL)
    assert finding.command == command


@pytest.mark.parametrize(
    ("code", "spoilt"),
    [
        ("trunk_numbers", {"numbers": ()} | CLOSED),
        ("trunk_addresses", {"allowed_addresses": ["0.0.0.0/0"]}),
        ("trunk_addresses", {"allowed_addresses": ["sip.vobiz.ai"]}),
        ("trunk_password", CLOSED | {"auth_username": "desk"}),
        ("trunk_password", CLOSED | {"auth_password": "x" * 12}),
    ],
)
def test_those_of_others(code, spoilt):
    """They are warned of, and mended by hand."""
    numbers = spoilt.get("numbers", (OTHER_NUMBER,))
    fields = {name: value for name, value in spoilt.items() if name != "numbers"}
    (finding,) = unwell(look(our_trunk(), their_trunk("desk", *numbers, **fields)))
    assert (finding.code.value, finding.level) == (code, "warning")
    assert finding.subject == "LiveKit trunk desk (ST_desk)"
    assert finding.command == "lk sip inbound update --id ST_desk trunk.json"


def test_an_open_trunk_of_others_that_leads_to_our_worker():
    """Strangers reach our agent by it."""
    open_trunk = their_trunk("desk", OTHER_NUMBER)
    for rule in (their_rule("desk", "ST_desk", agent=WORKER), their_rule("desk", agent=WORKER)):
        (finding,) = unwell(look(our_trunk(), open_trunk, rules=(rule,)))
        assert (finding.code.value, finding.level) == ("trunk_addresses", "error")


def test_a_password_stands_in_for_addresses():
    """Another carrier may sign in; user name or password alone ask for nothing."""
    assert unwell(look(our_trunk(), their_trunk("desk", OTHER_NUMBER, **PASSWORD))) == []
    half = look(our_trunk(), their_trunk("desk", OTHER_NUMBER, auth_username="desk"))
    assert told(unwell(half)) == [("trunk_addresses", "warning"), ("trunk_password", "warning")]


def test_no_password_is_told():
    """Neither is a caller's number."""
    findings = look(our_trunk(allowed_numbers=[CALLER], **PASSWORD))
    texts = " ".join(f"{f.sentence} {f.mend} {f.command}" for f in findings)
    assert PASSWORD["auth_password"] not in texts
    assert CALLER not in texts


def test_a_trunk_without_rule():
    """Callers hear one ring."""
    lost = [our_rule("ST_gone")]
    (ours,) = unwell(found(check_trunks, world=world(rules=lost)))
    assert (ours.code.value, ours.level, ours.command) == ("trunk_rule", "error", APPLY)
    theirs = their_trunk("desk", OTHER_NUMBER, **CLOSED)
    (other,) = unwell(found(check_trunks, world=world(trunks=[our_trunk(), theirs])))
    assert (other.level, other.command) == ("warning", "lk sip dispatch create rule.json")


def test_a_rule_without_trunks_takes_the_calls_of_every_trunk():
    theirs = their_trunk("desk", OTHER_NUMBER, **CLOSED)
    assert unwell(look(our_trunk(), theirs, rules=(their_rule("all"),))) == []


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ([], "everybody may call"),
        (["0.0.0.0/0"], "lets in almost everybody: 0.0.0.0/0."),
        (["13.233.44.61/32", "::/0"], "lets in almost everybody: ::/0."),
        (["13.0.0.0/7"], "lets in almost everybody"),
        (["13.233.44.61"], "13.233.44.61 by writing it into From"),
        (["13.233.44.61/32", "sip.vobiz.ai"], "passes sip.vobiz.ai by writing"),
        (["sip:13.233.44.61;x"], "LiveKit can read none of"),
        (["13.233.44.61/33"], "nobody may call"),
        (["13.233.44.61/32"], None),
        (["13.0.0.0/8", "2406:da1a::/32"], None),
        (["13.233.44.61/32", "not read;"], None),
        (["13.233.44.61/32", "13.233.44.61/33"], None),
    ],
)
def test_allowed_addresses(allowed, words):
    """As LiveKit reads them."""
    sentence = weakness(allowed)
    assert sentence is None if words is None else words in (sentence or "")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Unknown("LiveKit cannot be reached"), "LiveKit cannot be reached"),
        (world(sip=SipService.NO_REDIS), "livekit-server has no SIP service without Redis"),
    ],
)
def test_trunks_that_were_not_read(given, reason):
    """Nothing is said of them."""
    findings = found(check_trunks, world=given)
    assert {(f.level, f.sentence) for f in findings} == {("skipped", f"Not looked at: {reason}.")}
    assert len(findings) == 5
