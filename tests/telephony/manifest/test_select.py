"""Which numbers a target names."""

from __future__ import annotations

import pytest

from telephony.errors import UserError
from telephony.manifest.select import select
from tests.telephony.manifest.manifests import parsed

MANIFEST = """\
version: 1
deployment: clinic
livekit: {sip_host: sip.lotus.in}
numbers:
  - {number: "+918071000001", route: {agent: anna}, labels: {city: pune}}
  - {range: {first: "+918071000002", last: "+918071000003"}, route: {agent: bela}, labels: {city: delhi, team: sales}}
  - {number: "+918071000004", route: {split: [{agent: anna, weight: 1}, {agent: bela, weight: 1}]}}
  - {number: "+918071000005", route: {sip: "sip:pbx.lotus.in"}}
  - {number: "+918071000006", route: {stream: {answer_url: "https://bot.lotus.in/answer"}}}
agents:
  anna: {greeting: Hello., goodbye: Bye., instructions: Be kind.}
  bela: {greeting: Hello., goodbye: Bye., instructions: Be kind.}
"""


@pytest.mark.parametrize(
    ("targets", "last_digits"),
    [
        (["08071000001"], "1"),
        (["00 91 80710 00002", "+918071000001"], "12"),
        (["agent:anna"], "14"),
        (["agent:bela"], "234"),
        (["route:sip"], "5"),
        (["route:stream", "route:sip"], "56"),
        (["route:agent"], "1234"),
        (["label:city=delhi"], "23"),
        (["label:team=sales", "label:city=pune"], "123"),
    ],
)
def test_targets_name_numbers(targets: list[str], last_digits: str) -> None:
    """Any of several."""
    assert select(parsed(MANIFEST), targets) == {f"+91807100000{digit}" for digit in last_digits}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("+918071000009", "+918071000009 is no number of this manifest"),
        ("12", "12"),
        ("agent:carl", "no number has that agent; there is: anna, bela"),
        ("label:city=goa", "there is: city=delhi, city=pune, team=sales"),
        ("route:", "write a number, agent:NAME"),
        ("city:goa", "write a number, agent:NAME"),
    ],
)
def test_a_target_that_names_nothing_says_what_there_is(target: str, told: str) -> None:
    """In one line that begins with the target."""
    with pytest.raises(UserError) as refused:
        select(parsed(MANIFEST), [target])
    assert str(refused.value).startswith(f"--target {target}: ")
    assert told in str(refused.value)
