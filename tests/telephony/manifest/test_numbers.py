"""Numbers in the manifest: lists, ranges, templates, and every kind of route."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.manifest.load import ManifestError
from telephony.manifest.model import Manifest
from telephony.manifest.route import AgentRoute, SipDestination, SipRoute, SplitRoute, StreamRoute
from tests.telephony.manifest.manifests import parsed

ONE = "+918071000001"
HEAD = "version: 1\ndeployment: test\nlivekit: {sip_host: sip.lotus.in}\n"
AGENTS = """agents:
  anna: {greeting: Hello., goodbye: Bye., instructions: Be kind.}
  bela: {greeting: Hello., goodbye: Bye., instructions: Be brief.}
"""


def manifest(numbers: str, rest: str = "") -> Manifest:
    return parsed(f"{HEAD}{rest}numbers:\n{numbers}\n{AGENTS}")


def problem(numbers: str, rest: str = "") -> str:
    with pytest.raises(ManifestError) as refused:
        manifest(numbers, rest)
    return str(refused.value)


def route(text: str):
    return manifest(f'  - {{number: "{ONE}", route: {text}}}').numbers[0].route


def test_lists_and_ranges_become_numbers():
    """In the order of the file."""
    made = manifest(
        f'  - {{number: "{ONE}", route: {{agent: anna}}}}\n'
        '  - {numbers: ["+918071000005", "08071000006"], route: {agent: bela}}\n'
        '  - {range: {first: "+918071000010", last: "+918071000012"}, route: {agent: anna}}'
    )
    assert [entry.number[-2:] for entry in made.numbers] == ["01", "05", "06", "10", "11", "12"]
    assert [entry.route.agents[0] for entry in made.numbers] == ["anna", "bela", "bela", "anna", "anna", "anna"]


def test_a_line_overrides_its_template_field_by_field():
    """What it does not say comes from there."""
    templates = (
        "templates: {desk: {route: {agent: anna}, codecs: [PCMA], limits: {ring_s: 20}, labels: {city: pune}}}\n"
    )
    first, second = manifest(
        f'  - {{number: "{ONE}", template: desk}}\n'
        '  - {number: "+918071000002", template: desk, route: {agent: bela}, limits: {max_call_s: 600}}',
        templates,
    ).numbers
    assert first.settings.codecs == second.settings.codecs == ("PCMA",)
    assert (first.settings.limits.ring_s, second.settings.limits.ring_s) == (20, 30)
    assert second.settings.limits.max_call_s == 600
    assert (first.route, second.route) == (AgentRoute(agent="anna"), AgentRoute(agent="bela"))
    assert first.labels == (("city", "pune"),)


def test_ten_thousand_numbers_share_one_value_of_settings():
    """They are validated once for the line, not for each number."""
    made = manifest('  - {range: {first: "+918071000000", last: "+918071009999"}, route: {agent: anna}, krisp: true}')
    assert len({entry.number for entry in made.numbers}) == 10_000
    assert len({id(entry.settings) for entry in made.numbers}) == 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_range_has_every_number_between_its_ends(first: int, last: int):
    """Both included; the other way round it is refused."""
    text = f'  - {{range: {{first: "+9180710{first:05}", last: "+9180710{last:05}"}}, route: {{agent: anna}}}}'
    if last < first:
        assert "is no range" in problem(text)
    else:
        assert [int(entry.number[-5:]) for entry in manifest(text).numbers] == list(range(first, last + 1))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{agent: anna}", AgentRoute(agent="anna")),
        ('{sip: "sip:pbx.lotus.in"}', ["pbx.lotus.in;transport=udp"]),
        ('{sip: "sip:PBX.lotus.in:5080;transport=tcp"}', ["pbx.lotus.in:5080;transport=tcp"]),
        ('{sip: "sips:pbx.lotus.in"}', ["pbx.lotus.in:5061;transport=tls"]),
        ("{sip: {host: 203.0.113.7, port: 5080}}", ["203.0.113.7:5080;transport=udp"]),
        ("{sip: {preset: vapi}}", ["sip.vapi.ai;transport=udp"]),
        ("{sip: {preset: retell}}", ["sip.retellai.com;transport=tcp"]),
        ("{sip: {preset: elevenlabs}}", ["sip.rtc.elevenlabs.io:5060;transport=tcp"]),
        ("{sip: {preset: bolna}}", ["13.200.45.61:5060;transport=udp"]),
        ("{sip: {preset: ultravox, host: x.sip.ultravox.ai}}", ["x.sip.ultravox.ai;transport=udp"]),
        ("{sip: {preset: livekit-cloud, project: lotus}}", ["lotus.sip.livekit.cloud;transport=tcp"]),
        (
            '{sip: {preset: retell, transport: udp, fallbacks: ["sip:pbx.lotus.in", {preset: vapi}]}}',
            ["sip.retellai.com;transport=udp", "pbx.lotus.in;transport=udp", "sip.vapi.ai;transport=udp"],
        ),
    ],
)
def test_where_calls_may_go(written, expected):
    """An agent, or SIP hosts in the order in which they are tried."""
    made = route(written)
    assert made == expected or [str(destination) for destination in made.sip] == expected
    assert not isinstance(made, SipRoute) or isinstance(made.sip[0], SipDestination)


def test_calls_may_be_shared_by_agents():
    """By weight."""
    made = route("{split: [{agent: anna, weight: 70}, {agent: bela, weight: 30}]}")
    assert isinstance(made, SplitRoute)
    assert [(share.agent, share.weight) for share in made.split] == [("anna", 70), ("bela", 30)]


def test_a_stream_has_the_urls_of_an_application():
    """Of our own stream server, or of anybody's."""
    ours = route("{stream: {server: https://voice.lotus.in/, agent: anna}}")
    assert isinstance(ours, StreamRoute)
    assert ours.agents == ("anna",)
    assert ours.stream.answer_url == "https://voice.lotus.in/vobiz/answer"
    assert ours.stream.hangup_url == "https://voice.lotus.in/vobiz/hangup"
    other = route("{stream: {answer_url: https://pipecat.lotus.in/answer, fallback_url: https://b.lotus.in/a}}")
    assert isinstance(other, StreamRoute)
    assert (other.stream.answer_url, other.stream.hangup_url) == ("https://pipecat.lotus.in/answer", "")
    assert other.agents == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{agent: zoe}", "no agent named 'zoe'; agents are: anna, bela"),
        ("{split: [{agent: anna, weight: 1}, {agent: zoe, weight: 1}]}", "no agent named 'zoe'"),
        ("{split: [{agent: anna, weight: 1}]}", "split: must have at least 2 entries"),
        ("{split: [{agent: anna, weight: 0}, {agent: bela, weight: 1}]}", "greater than or equal to 1"),
        ('{sip: "pbx.lotus.in"}', "is not a SIP URI; write it like sip:pbx.example.com"),
        ('{sip: "sip:anna@pbx.lotus.in"}', "'sip:anna@pbx.lotus.in' must not name a user"),
        ('{sip: "sip:pbx.lotus.in;transport=sctp"}', "transport must be udp, tcp or tls"),
        ("{sip: {preset: skype}}", "no preset named 'skype'; presets are: vapi"),
        ("{sip: {preset: livekit-cloud}}", "preset livekit-cloud needs project"),
        ("{sip: {preset: ultravox}}", "preset ultravox needs host"),
        ("{sip: {hots: pbx.lotus.in}}", "unknown key 'hots'"),
        ("{stream: {answer_url: http://bot.lotus.in/a}}", "must begin with https://"),
        ("{stream: {answer_url: bot}}", "'bot' is not an https:// address"),
        ("{stream: {}}", "write server (our own stream server), or answer_url"),
        (
            "{stream: {server: https://a.in, agent: anna, answer_url: https://b.in}}",
            "write either server, or answer_url",
        ),
        ("{stream: {server: https://a.in}}", "server needs agent: who answers there"),
        ("{stream: {server: 'https://a.in/k?x=1', agent: anna}}", "must be an address without a query"),
        ("{stream: {server: https://a.in, agent: nobody}}", "no agent named 'nobody'; agents are: anna"),
        ("{stream: {answer_url: https://a.in, agent: anna}}", "agent goes with server"),
        ("{agnet: anna}", "unknown key; did you mean 'agent'?"),
        ("{agent: anna, sip: sip:pbx.lotus.in}", "route.sip: unknown key; keys here are: agent"),
        ("{stream: {answer_url: 'https://bot.lotus.in:https/a'}}", "is not an https:// address"),
    ],
)
def test_a_wrong_route_is_told_with_its_place(written, expected):
    """In one line."""
    told = problem(f'  - {{number: "{ONE}", route: {written}}}')
    assert told.startswith("dialroom.yaml:5:")
    assert "numbers[0]" in told
    assert expected in told


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f'{{number: "{ONE}"}}', "route is missing, here or in the template"),
        ("{route: {agent: anna}}", "write exactly one of number, numbers and range"),
        (f'{{number: "{ONE}", numbers: ["{ONE}"], route: {{agent: anna}}}}', "write exactly one of"),
        (f'{{number: "{ONE}", template: desk}}', "no template named 'desk'; templates are: none"),
        (f'{{numbers: ["{ONE}", "{ONE}"], route: {{agent: anna}}}}', f"{ONE} is listed twice"),
        (
            '{range: {first: "+918071000000", last: "+918071999999"}, route: {agent: anna}}',
            "has more than 100000 numbers",
        ),
        (f'{{number: "{ONE}", route: {{agent: anna}}, codecs: [G729]}}', "codecs[0]"),
        (f'{{number: "{ONE}", route: {{agent: anna}}, limits: {{ring_s: 0}}}}', "limits.ring_s"),
        (f'{{number: "{ONE}", route: {{agent: anna}}, limits: {{callers: [hello]}}}}', "is not a phone number"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(line, expected):
    """In one line."""
    told = problem(f"  - {line}")
    assert "numbers[0]" in told
    assert expected in told


def test_what_follows_from_another_mistake_is_not_told():
    """Neither an empty list where an entry is wrong, nor a missing template where one is."""
    assert "must not be empty" not in problem(f'  - {{numbers: ["{ONE}", "12"], route: {{agent: anna}}}}')
    told = problem(f'  - {{number: "{ONE}", template: desk}}', "templates: {desk: {route: 3}}\n")
    assert "no template named" not in told
    assert "templates.desk.route" in told


def test_a_password_in_a_sip_uri_is_not_told():
    """It stands where a user may not be."""
    assert "canary" not in problem(f'  - {{number: "{ONE}", route: {{sip: "sip:anna:canary@pbx.lotus.in"}}}}')


def test_a_wrong_header_is_told_where_it_is():
    """At its line, not at the first one."""
    first = f'  - {{number: "{ONE}", route: {{agent: anna}}}}\n'
    wrong = '  - {number: "+918071000002", route: {agent: anna}, headers_to_attributes: {From: x}}'
    assert "dialroom.yaml:6:76: numbers[1].headers_to_attributes: 'From' cannot be used" in problem(first + wrong)
