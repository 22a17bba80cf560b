"""The manifest's numbers at the carrier."""

import pytest

from provision.doctor.carrier_side import check_carrier_side
from provision.doctor.facts import Unknown
from provision.doctor.finding import Finding
from provision.observed import OwnedNumber
from tests.provision.doctor.pure import APPLY, TRUNK, assigned, found, manifest, stock, told, trunk_seen, unwell
from tests.provision.routing.worlds import NUMBER, OTHER_NUMBER


def wrong(**spoilt) -> list[Finding]:
    return unwell(found(check_carrier_side, **spoilt))


@pytest.mark.parametrize(
    ("number", "code", "words", "command"),
    [
        ({"owned": ()}, "number_owned", "does not have it", f"dialroom numbers buy {NUMBER}"),
        (
            {"owned": [OwnedNumber(number=NUMBER, blockers=("trial numbers take no calls", "it is blocked"))]},
            "number_blocked",
            "No call arrives: trial numbers take no calls, it is blocked.",
            "dialroom numbers list",
        ),
    ],
)
def test_a_number_of_the_account(number, code, words, command):
    """Bought, and free of what the carrier holds against it."""
    (finding,) = wrong(stock=stock(trunk_seen(), assigned(), **number))
    assert (finding.code.value, finding.level, finding.subject) == (code, "error", f"number {NUMBER}")
    assert words in finding.sentence
    assert finding.command == command


@pytest.mark.parametrize(
    ("row", "where", "command"),
    [
        (None, "nowhere", APPLY),
        (assigned(stamp=None, trunk="pbx"), "to carrier trunk pbx", f"{APPLY} --take-over"),
        (
            assigned(stamp="other", trunk="dialroom-other-in"),
            "to carrier trunk dialroom-other-in",
            f"{APPLY} --take-over",
        ),
        (assigned(trunk="dialroom-clinic_to_x"), "to carrier trunk dialroom-clinic_to_x", APPLY),
        (assigned(stamp=None, trunk=TRUNK, application="menu"), "to carrier application menu", f"{APPLY} --take-over"),
    ],
)
def test_where_the_carrier_sends_a_number(row, where, command):
    """A trunk of ours is moved back; one of others is taken from them."""
    (finding,) = wrong(stock=stock(trunk_seen(), *([row] if row else [])))
    assert (finding.code.value, finding.command) == ("number_route", command)
    assert finding.sentence == f"The carrier sends calls {where} instead of to carrier trunk {TRUNK}."


def test_numbers_with_the_same_fault_stand_together():
    """However many they are."""
    first = 918071000000
    many = manifest(f'{{ range: {{ first: "+{first}", last: "+{first + 9999}" }}, route: {{ agent: anna }} }}')
    (missing,) = wrong(manifest=many, stock=stock(trunk_seen(), owned=()))
    assert missing.subject == (
        "numbers +918071000000, +918071000001, +918071000002, +918071000003, +918071000004 and 9,995 more"
    )
    assert missing.command == "dialroom numbers list"
    everything = [OwnedNumber(number=f"+{number}") for number in range(first, first + 10_000)]
    (astray,) = wrong(manifest=many, stock=stock(trunk_seen(), owned=everything))
    assert (astray.code.value, astray.command) == ("number_route", APPLY)


def test_faults_of_different_kinds_stand_apart():
    two = manifest(f'{{ numbers: ["{NUMBER}", "{OTHER_NUMBER}"], route: {{ agent: anna }} }}')
    owned = [OwnedNumber(number=NUMBER, blockers=("a",)), OwnedNumber(number=OTHER_NUMBER, blockers=("b",))]
    given = stock(trunk_seen(), assigned(), assigned(OTHER_NUMBER), owned=owned)
    assert told(wrong(manifest=two, stock=given)) == [("number_blocked", "error"), ("number_blocked", "error")]


def test_a_carrier_that_was_not_read():
    findings = found(check_carrier_side, stock=Unknown("Vobiz refuses the key"))
    assert {(f.level, f.sentence) for f in findings} == {("skipped", "Not looked at: Vobiz refuses the key.")}
    assert len(findings) == 4
