"""Our trunks and applications at the carrier, against the manifest."""

import pytest

from provision.desired import desire
from provision.doctor.carrier_side import check_carrier_side
from provision.doctor.finding import Finding
from provision.values import Application
from tests.provision.doctor.pure import (
    APPLY,
    STREAM,
    TRUNK,
    assigned,
    found,
    manifest,
    seen,
    stock,
    told,
    trunk_seen,
    unwell,
)
from tests.provision.routing.worlds import NUMBER

URI = "0b7a3c1e-4d5f-4a6b-8c7d-9e0f1a2b3c4d"
TRUNK_LABEL = f"carrier trunk {TRUNK} (t1)"
STREAMING = manifest(f'{{ number: "{NUMBER}", route: {{ stream: {{ answer_url: "{STREAM}" }} }} }}')
(WANTED,) = [value for value in desire(STREAMING).values if isinstance(value, Application)]
APPLICATION = {"application": WANTED.name}


def wrong(**spoilt) -> list[Finding]:
    return unwell(found(check_carrier_side, **spoilt))


@pytest.mark.parametrize(
    ("fields", "level", "words"),
    [
        ({"enabled": False}, "error", "disabled"),
        ({"inbound_destination": ""}, "error", "leads nowhere"),
        ({"inbound_destination": "sip:sip.lotus.in"}, "error", "'invalid number'"),
        ({"inbound_destination": "sip.rose.in"}, "error", "leads to sip.rose.in; the manifest says sip.lotus.in"),
        ({"inbound_destination": "sip.lotus.in:5070"}, "error", "leads to sip.lotus.in:5070"),
        ({"inbound_destination": URI}, "warning", f"origination URI {URI}"),
    ],
)
def test_a_trunk_that_somebody_changed(fields, level, words):
    (finding,) = wrong(stock=stock(trunk_seen(**fields), assigned()))
    assert (finding.code.value, finding.level, finding.subject) == ("carrier_trunk", level, TRUNK_LABEL)
    assert words in finding.sentence
    assert finding.command == APPLY


@pytest.mark.parametrize("stored", ["sip.lotus.in", "sip.lotus.in:5060", "sip.lotus.in."])
def test_ways_to_write_the_same_destination(stored):
    assert wrong(stock=stock(trunk_seen(inbound_destination=stored), assigned())) == []


@pytest.mark.parametrize("others", [[], [trunk_seen("theirs", stamp=None, inbound_destination="sip.rose.in")]])
def test_a_trunk_that_is_not_there(others):
    """Those of others are none of ours."""
    (finding,) = wrong(stock=stock(*others, assigned()))
    assert (finding.subject, finding.command) == (f"carrier trunk {TRUNK}", APPLY)


def test_a_trunk_to_another_host():
    """A route to a PBX has a trunk of its own."""
    away = manifest(f'{{ number: "{NUMBER}", route: {{ sip: "sip:pbx.lotus.in:5070;transport=tcp" }} }}')
    (value,) = [value for value in desire(away).values if value.name != NUMBER]
    row = assigned(trunk=value.name)
    assert wrong(manifest=away, stock=stock(seen(value), row)) == []
    (finding,) = wrong(manifest=away, stock=stock(trunk_seen(value.name, inbound_destination="10.0.0.1"), row))
    assert finding.sentence == "It leads to 10.0.0.1; the manifest says pbx.lotus.in:5070."


def test_a_stream_route():
    """Whether the carrier signs its requests, nobody can tell."""
    given = stock(seen(WANTED), assigned(**APPLICATION))
    (finding,) = wrong(manifest=STREAMING, stock=given)
    assert (finding.code.value, finding.level) == ("callback_signature", "skipped")
    assert "X-Vobiz-Signature" in finding.sentence
    assert finding.mend


def test_an_application_that_somebody_changed():
    """Its URLs may have a secret part, so they are not told."""
    other = Application(name=WANTED.name, answer_url=f"{STREAM}/other")
    findings = wrong(manifest=STREAMING, stock=stock(seen(other), assigned(**APPLICATION)))
    assert told(findings) == [("application", "error"), ("callback_signature", "skipped")]
    assert "hidden-part" not in str(findings)
    (missing, _) = wrong(manifest=STREAMING, stock=stock(assigned(**APPLICATION)))
    assert (missing.subject, missing.command) == (f"carrier application {WANTED.name}", APPLY)
