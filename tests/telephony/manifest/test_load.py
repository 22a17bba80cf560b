"""Loading a manifest: every mistake is told with line and column, and in words that say what to write."""

from pathlib import Path

import pytest

from telephony.errors import UserError
from telephony.manifest.cidr import VOBIZ_SIGNALLING
from telephony.manifest.load import ManifestError, load_manifest, parse_manifest
from telephony.manifest.model import parse_sip_host
from tests.telephony.manifest.manifests import MINIMAL, parsed

EXAMPLE = Path(__file__).parents[3] / "dialroom.yaml"


def replaced(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


def problems_of(text: str, **environ: str) -> str:
    with pytest.raises(ManifestError) as refused:
        parsed(text, **environ)
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_the_example_manifest_is_valid():
    """`make demo` applies it as it stands in the repository."""
    manifest = load_manifest(EXAMPLE, environ={})
    assert [entry.number for entry in manifest.numbers] == ["+918071000001"]
    desk = manifest.agents["front-desk"]
    assert "Lotus Dental Clinic" in desk.instructions
    assert [tool if isinstance(tool, str) else tool.name for tool in desk.tools] == [
        "end_call",
        "current_time",
        "appointment_code",
    ]
    assert manifest.vobiz.signalling == VOBIZ_SIGNALLING
    assert manifest.livekit.sip_host == "sip.example.com"


def test_the_environment_reaches_the_example():
    """Where the lab's servers are is not known before they run."""
    environ = {"LIVEKIT_SIP_HOST": "127.0.0.1:5060", "CLINIC_URL": "http://127.0.0.1:9"}
    manifest = load_manifest(EXAMPLE, environ=environ)
    assert manifest.livekit.sip_host == "127.0.0.1:5060"
    tool = manifest.agents["front-desk"].tools[2]
    assert not isinstance(tool, str)
    assert tool.url == "http://127.0.0.1:9/appointments/{name}"


def test_the_smallest_manifest_has_defaults_for_the_rest():
    """Speech services and the carrier's addresses need not be written."""
    desk = parsed().agents["front-desk"]
    assert (desk.stt.provider, desk.llm.provider, desk.tts.provider) == ("deepgram", "openai", "deepgram")
    assert desk.language == "en"
    assert desk.tools == ()


@pytest.mark.parametrize(
    "written", ["+918071000001", "918071000001", "08071000001", '"080 7100 0001"', "'+918071000001'"]
)
def test_a_number_may_be_written_without_quotes(written):
    """YAML 1.1 would drop the plus and read the zero as octal."""
    manifest = parsed(replaced('"+918071000001"', written))
    assert manifest.numbers[0].number == "+918071000001"


def test_no_is_a_text_and_not_false():
    """YAML 1.2: `no` is Norwegian."""
    assert parsed(MINIMAL.replace("greeting: Hello.", "greeting: no")).agents["front-desk"].greeting == "no"


def test_instructions_come_from_a_file_beside_the_manifest(tmp_path):
    """The path is relative to the manifest, wherever the command runs."""
    (tmp_path / "desk.md").write_text("Say नमस्ते.\n", encoding="utf-8")
    path = tmp_path / "dialroom.yaml"
    path.write_text(replaced("Be brief and kind.", "desk.md"), encoding="utf-8")
    assert load_manifest(path, environ={}).agents["front-desk"].instructions == "Say नमस्ते."


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"+918071000001"', "'12'", "4:13: numbers[0].number: '12' is not a phone number: too short for country +91"),
        (
            '"+918071000001"',
            "hello",
            "4:13: numbers[0].number: 'hello' is not a phone number: write it with the digits",
        ),
        ('"+918071000001"', '"\u096f\u0967\u096e"', "4:13: numbers[0].number: "),
        (
            "agent: front-desk }",
            "agent: x }",
            "5:21: numbers[0].route.agent: no agent named 'x'; agents are: front-desk",
        ),
        ("route:", "rout:", "5:5: numbers[0].rout: unknown key; did you mean 'route'?"),
        ("deployment: test", "deployment: Test!", "2:13: deployment: does not match"),
        ("version: 1", "version: 3", "1:10: version: must be 1"),
        ("    goodbye: Goodbye.\n", "", "8:5: agents.front-desk.goodbye: is required"),
        ("greeting: Hello.", "greeting: ''", "8:15: agents.front-desk.greeting: must not be empty"),
        ("greeting: Hello.", "greeting: [a]", "8:15: agents.front-desk.greeting: must be a text; put it in quotes"),
        ("Be brief and kind.", "x.md", "10:19: agents.front-desk.instructions: cannot read x.md: No such file"),
        ("Be brief and kind.", "brief", "10:19: agents.front-desk.instructions: write the path of a .md file"),
        ("front-desk:\n", "Front Desk:\n", "7:3: agents.Front Desk: the name 'Front Desk' does not match"),
        ("sip.example.com", '"sip:example.com"', "11:22: livekit.sip_host: 'sip:example.com' must be a bare host"),
        *(
            ("sip.example.com", f'"{host}"', "11:22: livekit.sip_host: ")
            for host in (":5060", "h:99999", "h:0", "a:b:c", "[::1", "[::g]", "\uff53ip.example.com", "-h", "h:", "a b")
        ),
        ("{ sip_host: sip.example.com }", "", "11:9: livekit: must be a mapping"),
        (
            "sip.example.com }",
            "h }\nvobiz: { signalling: [13.233.44.61] }",
            "12:23: vobiz.signalling[0]: '13.233.44.61'",
        ),
        (
            "sip.example.com }",
            "h }\nvobiz: { signalling: [sip.vobiz.ai] }",
            "12:23: vobiz.signalling[0]: 'sip.vobiz.ai'",
        ),
        (
            "sip.example.com }",
            "h }\nvobiz: { signalling: [0.0.0.0/0] }",
            "12:23: vobiz.signalling[0]: '0.0.0.0/0' would",
        ),
        (
            "sip.example.com }",
            "h }\nvobiz: { signalling: [10.0.0.1/8] }",
            "12:23: vobiz.signalling[0]: '10.0.0.1/8' is",
        ),
        ("sip.example.com }", "h }\nvobiz: { signalling: [] }", "12:22: vobiz.signalling: must not be empty"),
        (
            "goodbye: Goodbye.",
            "goodbye: ${BYE}",
            "9:14: agents.front-desk.goodbye: the environment variable BYE is not",
        ),
        ("goodbye: Goodbye.", 'goodbye: "${1}"', "9:14: agents.front-desk.goodbye: '${1}' is no variable"),
        ("goodbye: Goodbye.", "goodbye: ${BYE", "9:14: agents.front-desk.goodbye: '${BYE' is no variable"),
        ("version: 1", "version: 1\nversion: 1", "2:1: the key 'version' stands twice"),
        ("goodbye: Goodbye.", "goodbye: !secret x", "9:14: agents.front-desk.goodbye: tags such as !secret"),
        ("numbers:", "numbers: *nothing\nx:", "3:10: found undefined alias"),
        ("version: 1", "version: [1", "2:"),
        ("version: 1", "version: 1\n\tx: 1", "2:1: "),
        ("Hello.", "Hello\x07", "8:20: a character that YAML does not allow"),
    ],
)
def test_a_mistake_is_told_with_its_place(old, new, expected):
    """One line: file, line, column, path, and what to write instead."""
    told = problems_of(replaced(old, new))
    assert told.startswith(f"dialroom.yaml:{expected}")
    assert "\n" not in told


TOOL = """\
    tools:
      - end_call
      - name: lookup
        description: Look it up
        url: http://127.0.0.1/x/{name}
        parameters:
          name: { type: string, description: A name }
livekit"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("end_call", "end_cal", "12:9: agents.front-desk.tools[0]: must be 'end_call' or 'current_time'"),
        ("x/{name}", "x/{nam}", "15:14: agents.front-desk.tools[1].url: {nam} is not one of the parameters: name"),
        ("x/{name}", "x/{", "15:14: agents.front-desk.tools[1].url: placeholders are written {name}"),
        ("http://", "ftp://", "15:14: agents.front-desk.tools[1].url: 'ftp://127.0.0.1/x/{name}' is not an http"),
        (
            "name: lookup",
            "name: end_call",
            "13:15: agents.front-desk.tools[1].name: 'end_call' is the name of a built-in",
        ),
        ("string", "text", "17:25: agents.front-desk.tools[1].parameters.name.type: must be 'string', 'integer'"),
        ("A name }", "A name, required: false }", "17:64: agents.front-desk.tools[1].parameters.name.required: 'name'"),
        ("name: lookup", "nam: lookup", "13:9: agents.front-desk.tools[1].nam: unknown key; did you mean 'name'?"),
        (
            "end_call",
            "{ name: lookup, description: d, url: http://h }",
            "13:9: agents.front-desk.tools[1]: 'lookup' is",
        ),
        (
            "url: ",
            "timeout_s: 0\n        url: ",
            "15:20: agents.front-desk.tools[1].timeout_s: Input should be greater",
        ),
    ],
)
def test_a_mistake_in_a_tool_is_told_with_its_place(old, new, expected):
    """Also inside the union of built-in and HTTP tools."""
    text = replaced("livekit", TOOL)
    assert old in text
    told = problems_of(text.replace(old, new, 1))
    assert told.startswith(f"dialroom.yaml:{expected}")
    assert "\n" not in told


@pytest.mark.parametrize("attribute", ["sip.phoneNumber", "SIP.h.x", "lk.agent.name", "dialroom.handedOver", ""])
def test_a_header_cannot_set_what_livekit_and_dialroom_rely_on(attribute):
    """Callers write headers: one that becomes their number would let anybody in."""
    mapped = f"route: {{ agent: front-desk }}\n    headers_to_attributes: {{ X-Clinic: '{attribute}' }}"
    told = problems_of(replaced("route: { agent: front-desk }", mapped))
    assert "6:28: numbers[0].headers_to_attributes: a caller may not set the attribute" in told
    assert parsed(replaced("route: { agent: front-desk }", mapped.replace(f"'{attribute}'", "clinic"))).numbers


def test_all_mistakes_are_told_in_the_order_of_the_file():
    """One line each, so that one run is enough to mend them."""
    text = replaced("version: 1", "version: 2").replace("sip.example.com", "a@b")
    lines = problems_of(text).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["dialroom.yaml:1:10:", "dialroom.yaml:11:22:"]


def test_a_number_may_stand_only_once():
    """Also when it is written in two forms."""
    twice = replaced("agents:", "  - { number: 08071000001, route: { agent: front-desk } }\nagents:")
    assert problems_of(twice) == (
        "dialroom.yaml:6:15: numbers[1].number: +918071000001 is listed twice (first in numbers[0])"
    )


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- 1\n", "hello\n"])
def test_a_file_that_is_no_mapping_is_told_so(text):
    """The place is the beginning of what is there."""
    assert problems_of(text).endswith(": must be a mapping of keys to values")


def test_a_value_inside_itself_is_refused():
    """An alias may repeat a value, not contain it."""
    assert "numbers[0]: the value contains itself" in problems_of("version: 1\nnumbers: &n\n  - *n\n")


def test_aliases_are_allowed():
    """Two agents may share a block."""
    text = replaced("    greeting", "    llm: &llm { model: m }\n    greeting")
    text = text.replace("livekit", "  other: { greeting: a, goodbye: b, instructions: c d, llm: *llm }\nlivekit")
    assert parsed(text).agents["other"].llm.model == "m"


def test_defaults_stand_in_for_unset_and_empty_variables():
    """As in a shell; `$${` is a literal `${`."""
    text = replaced("Hello.", '"${GREETING:-Hi there} $${x}"')
    greetings = [
        parsed(text, **environ).agents["front-desk"].greeting for environ in ({}, {"GREETING": ""}, {"GREETING": "Yo"})
    ]
    assert greetings == ["Hi there ${x}", "Hi there ${x}", "Yo ${x}"]


def test_a_missing_manifest_says_how_to_name_one(tmp_path):
    """The first thing that goes wrong for a newcomer."""
    with pytest.raises(UserError, match=r"nothing\.yaml: No such file or directory; .*DIALROOM_MANIFEST"):
        load_manifest(tmp_path / "nothing.yaml", environ={})


def test_a_manifest_that_is_no_text_is_told_so(tmp_path):
    """UTF-16 from a Windows editor, or a wrong file."""
    path = tmp_path / "dialroom.yaml"
    path.write_bytes("version: 1".encode("utf-16"))
    with pytest.raises(UserError, match="is not UTF-8 text"):
        load_manifest(path, environ={})


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    """Windows editors write one in front of UTF-8."""
    path = tmp_path / "dialroom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_manifest(path, environ={}).deployment == "test"


def test_the_name_in_front_is_the_path_as_given():
    """A terminal makes it a link."""
    with pytest.raises(ManifestError, match=r"^sub/my\.yaml:1:1: "):
        parse_manifest("", name="sub/my.yaml", environ={}, read_text=str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: " + "[" * 100_000, "nested more than 50 deep"),
        ("\n".join("  " * depth + "a:" for depth in range(3000)), "nested more than 50 deep"),
        ("version: " + "9" * 5000, "a number with too many digits"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "too many values",
        ),
    ],
    ids=["list", "map", "number", "aliases"],
)
def test_a_text_that_would_eat_the_machine_is_refused(text, expected):
    """With its place, like any other mistake."""
    told = problems_of(text)
    assert told.startswith("dialroom.yaml:")
    assert expected in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sip.example.com", '"${SECRET}@"'),
        ('"+918071000001"', '"${SECRET}"'),
        ("{ agent: front-desk }", '{ agent: "${SECRET}" }'),
        ("{ agent: front-desk }", '{ sip: "sip:${SECRET}@pbx" }'),
    ],
)
def test_what_stood_in_the_environment_is_not_told(old, new):
    """A key in the wrong place is shown by its name."""
    told = problems_of(replaced(old, new), SECRET="Canary-4711")
    assert "canary-4711" not in told.lower()
    assert "${SECRET}" in told


@pytest.mark.parametrize(
    "host", ["h", "10.0.0.1", "sip.lotus.in:5080", "sip.lotus.in.", "[::1]", "[2001:db8::1]:5061", "a_b"]
)
def test_hosts_that_may_stand_in_a_manifest(host: str) -> None:
    """Names, and addresses of both kinds, with and without a port."""
    assert parse_sip_host(host) == host


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_told(name: str) -> None:
    """In one short line."""
    with pytest.raises(UserError, match="name the manifest with DIALROOM_MANIFEST") as caught:
        load_manifest(Path(name), environ={})
    assert len(str(caught.value)) < 200
