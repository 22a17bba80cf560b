"""Numbers that the manifest sends elsewhere, and the world that a manifest would make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.routing.away import Place, route_away
from provision.routing.live import route_test
from provision.routing.verdict import Code, Outcome
from provision.routing.world import Carrier, CarrierNumber, CarrierTrunk
from telephony.errors import UserError
from tests.provision.routing.pure import CALL, GOOD
from tests.provision.routing.worlds import NUMBER
from tests.telephony.manifest.manifests import parsed

PBX, BOT = Place(sip_host="pbx.lotus.in:5080"), Place(answer_url="https://bot.lotus.in/answer")
MANIFEST = """\
version: 1
deployment: clinic
livekit: {sip_host: sip.lotus.in}
numbers:
  - {number: "+918071000001", route: {agent: anna}}
  - {number: "+918071000002", route: {sip: "sip:pbx.lotus.in:5080"}}
  - {number: "+918071000003", route: {stream: {answer_url: "https://bot.lotus.in/answer"}}}
agents:
  anna: {greeting: Hello., goodbye: Bye., instructions: Be kind.}
"""


def carrier(**of_number: str) -> Carrier:
    row = replace(CarrierNumber(number=NUMBER), **of_number)
    trunk = CarrierTrunk(trunk_id="t1", name="x", inbound_destination="PBX.lotus.in:5080")
    return Carrier(numbers={NUMBER: row}, trunks={"t1": trunk}, applications={"a1": BOT.answer_url})


@pytest.mark.parametrize(("place", "of_number"), [(PBX, {"trunk_id": "t1"}), (BOT, {"application_id": "a1"})])
def test_a_number_that_goes_where_the_manifest_says_is_well(place: Place, of_number: dict[str, str]) -> None:
    """What happens there is not ours to see."""
    found = route_away(replace(GOOD, carrier=carrier(**of_number)), CALL, place)
    assert (found.outcome, found.causes, found.exit_code) == (Outcome.ELSEWHERE, (), 0)
    assert str(place) in found.steps[0].text


def test_no_secret_of_a_url_is_told() -> None:
    """Neither of the manifest's nor of what the carrier has."""
    url = "https://me:s3cret@bot.lotus.in/answer?t=s3cret"
    shown = "https://me:***@bot.lotus.in/answer?t=***"
    there = replace(carrier(application_id="a1"), applications={"a1": url})
    world = replace(GOOD, carrier=there)
    found = route_away(world, CALL, Place(answer_url=url))
    assert found.exit_code == 0
    assert shown in found.steps[0].text
    found = route_away(world, CALL, Place(answer_url=url.replace("s3cret", "an0ther")))
    assert found.causes[0].sentence.startswith(f"The number goes to {shown}, and the manifest sends it to the same")
    assert not any(secret in str(found.to_dict()) for secret in ("s3cret", "an0ther"))
    written = ((url, "https://me:${PW}@bot.lotus.in/answer?t=${T}"),)
    found = route_away(replace(GOOD, carrier=carrier()), CALL, Place(answer_url=url, written=written))
    assert "https://me:${PW}@bot.lotus.in/answer?t=${T}" in found.causes[0].mend


@pytest.mark.parametrize(
    ("place", "given", "code"),
    [
        (PBX, carrier(), Code.NUMBER_NOT_ASSIGNED),
        (PBX, carrier(application_id="a1"), Code.NUMBER_ON_OTHER_TRUNK),
        (BOT, carrier(trunk_id="t1"), Code.NUMBER_ON_OTHER_TRUNK),
        (BOT, Carrier(numbers={}, trunks={}), Code.NUMBER_NOT_OWNED),
    ],
)
def test_a_number_that_goes_astray_is_told(place: Place, given: Carrier, code: Code) -> None:
    """With where it goes, where it should, and how to mend it."""
    found = route_away(replace(GOOD, carrier=given), CALL, place)
    assert [cause.code for cause in found.causes] == [code]
    assert (found.outcome, found.exit_code) == (Outcome.LOST, 1)


def test_a_carrier_that_does_not_answer_leaves_it_open() -> None:
    """It is said that it was not looked at."""
    found = route_away(replace(GOOD, carrier=None, carrier_error="cannot reach Vobiz"), CALL, PBX)
    assert [(step.is_ok, step.text) for step in found.steps] == [(None, "cannot reach Vobiz")]


@pytest.mark.parametrize(
    ("number", "outcome"),
    [("08071000001", Outcome.ANSWERED), ("08071000002", Outcome.ELSEWHERE), ("08071000003", Outcome.ELSEWHERE)],
)
async def test_a_manifest_alone_can_be_tested(number: str, outcome: Outcome) -> None:
    """Without any server: what apply would make."""
    found = await route_test(number, manifest=parsed(MANIFEST), settings=None)
    assert (found.outcome, found.causes) == (outcome, ())


async def test_offline_a_wrong_source_and_an_unknown_number_are_told_too() -> None:
    """By the same judge as with servers."""
    manifest = parsed(MANIFEST)
    strange = await route_test("+918071000001", manifest=manifest, settings=None, source_ip="198.51.100.7")
    assert [cause.code for cause in strange.causes] == [Code.SOURCE_NOT_ALLOWED]
    unknown = await route_test("+918071000009", manifest=manifest, settings=None)
    assert Code.NUMBER_NOT_OWNED in [cause.code for cause in unknown.causes]
    with pytest.raises(UserError, match="is not an IP address"):
        await route_test("+918071000001", manifest=manifest, settings=None, source_ip="vobiz")
