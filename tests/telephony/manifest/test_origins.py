"""Where every value of a manifest comes from."""

from __future__ import annotations

import json
from pathlib import Path

from telephony.manifest.load import read_source
from telephony.manifest.origins import Setting, explain, render_settings

TEXT = """\
version: 1
deployment: ${NAME}
livekit: {sip_host: "${HOST:-sip.lotus.in}"}
templates:
  desk: {route: {agent: anna}, limits: {ring_s: 25}}
numbers:
  - {range: {first: "+918071000001", last: "+918071009999"}, template: desk}
  - {number: "+918071010000", template: desk, limits: {max_call_s: 60}}
agents:
  anna: {greeting: Hello., goodbye: Bye., instructions: Be kind., stt: {model: nova-2}}
"""


def explained(tmp_path: Path) -> dict[str, Setting]:
    file = tmp_path / "m.yaml"
    file.write_text(TEXT)
    return {s.path: s for s in explain(read_source(file, environ={"NAME": "canary"}))}


def test_each_value_has_its_origin(tmp_path: Path) -> None:
    """Written, from a variable, from a template, by default."""
    found, file = explained(tmp_path), tmp_path / "m.yaml"
    told = {path: (setting.value, setting.origin) for path, setting in found.items()}
    assert told["version"] == (1, f"{file}:1:10")
    assert told["deployment"] == ("${NAME}", f"{file}:2:13, with a variable")
    assert told["livekit.sip_host"][0] == "${HOST:-sip.lotus.in}"
    assert told["numbers[0].range.first"] == ("+918071000001", f"{file}:7:21")
    assert told["numbers[0].limits.ring_s"] == (25, f"template desk at {file}:5:49")
    assert told["numbers[0].route.agent"] == ("anna", f"template desk at {file}:5:25")
    assert told["numbers[1].limits.max_call_s"] == (60, f"{file}:8:68")
    assert "numbers[1].limits.ring_s" not in told
    assert told["agents.anna.stt.model"][0] == "nova-2"
    assert told["agents.anna.stt.provider"] == ("deepgram", "default")
    assert told["agents.anna.language"] == ("en", "default")
    assert told["rates.sip_per_minute"] == (0.45, "default")


def test_nothing_of_the_environment_is_shown(tmp_path: Path) -> None:
    """Only names."""
    text = render_settings(list(explained(tmp_path).values()), origin=True)
    assert "canary" not in text
    assert "${NAME}" in text


def test_what_belongs_together_stands_together_and_can_be_asked_for(tmp_path: Path) -> None:
    """Defaults come after what is written of the same thing."""
    found = explained(tmp_path)
    paths = list(found)
    anna = [index for index, path in enumerate(paths) if path.startswith("agents.anna.")]
    assert anna == list(range(anna[0], anna[-1] + 1))
    assert paths.index("agents.anna.stt.model") < paths.index("agents.anna.stt.provider")
    below = [path for path in paths if found[path].is_in("numbers[0]")]
    assert below
    assert all(path.startswith("numbers[0].") for path in below)
    assert render_settings([], origin=True) == "nothing is written there"
    assert str(tmp_path) not in render_settings(list(found.values()), origin=False)


def test_every_default_is_a_json_value(tmp_path: Path) -> None:
    """Also where the default is a path, as in the reference to a password."""
    file = tmp_path / "m.yaml"
    file.write_text(TEXT + "outbound: {password: {env: SIP_PASSWORD}}\n")
    told = {s.path: s.to_dict()["value"] for s in explain(read_source(file, environ={"NAME": "canary"}))}
    assert json.loads(json.dumps(told)) == told
    assert told["outbound.password.env_file"] == ".env"
