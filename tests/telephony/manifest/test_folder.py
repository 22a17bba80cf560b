"""A manifest in several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.errors import UserError
from telephony.manifest.load import ManifestError, load_manifest

BASE = "version: 1\ndeployment: clinic\nlivekit: {sip_host: '${HOST:-sip.lotus.in}'}\n"
ANNA = "agents:\n  anna: {greeting: Hello., goodbye: Bye., instructions: anna.md}\n"
BELA = "agents:\n  bela: {greeting: Hello., goodbye: Bye., instructions: Be brief.}\n"
ONE = 'numbers:\n  - {number: "+918071000001", route: {agent: anna}}\n'
TWO = """\
numbers:
  - {number: "+918071000002", route: {agent: bela}}
  - {number: "+918071000003", route: {agent: anna}}
"""


def folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "anna.md").write_text("Be kind.")
    (tmp_path / ".hidden.yaml").write_text("]")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "other.yaml").write_text("]")
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_files_are_joined(tmp_path: Path) -> None:
    """Lists one after the other, named things beside each other, and files that are named stand in the same folder."""
    loaded = load_manifest(folder(tmp_path, a=BASE, b=ANNA + ONE, c=BELA + TWO, d=""), environ={"HOST": "x.in"})
    assert [entry.number[-1] for entry in loaded.numbers] == ["1", "2", "3"]
    assert sorted(loaded.agents) == ["anna", "bela"]
    assert loaded.agents["anna"].instructions == "Be kind."
    assert loaded.livekit.sip_host == "x.in"


def test_names_of_files_do_not_matter(tmp_path: Path) -> None:
    """But for the order of the list, which says nothing."""
    one = load_manifest(folder(tmp_path, a=BASE, b=ANNA + ONE, c=BELA + TWO), environ={})
    for name in "abc":
        (tmp_path / f"{name}.yaml").unlink()
    for name, text in {"z": BASE, "y": ANNA + ONE, "x": BELA + TWO}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    two = load_manifest(tmp_path, environ={})
    assert one.model_copy(update={"numbers": ()}) == two.model_copy(update={"numbers": ()})
    assert set(one.numbers) == set(two.numbers)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"b": ANNA + ONE, "c": ANNA}, "c.yaml:2:3: agents.anna: is there already, at {}/b.yaml:2:3"),
        ({"b": ANNA + ONE, "c": "deployment: x\n"}, "c.yaml:1:1: deployment: is there already, at {}/a.yaml:2:1"),
        ({"b": ANNA + ONE, "c": "numbers: 7\n"}, "c.yaml:1:1: numbers: is there already"),
        ({"b": "numbers: 7\n", "c": ANNA + ONE}, "c.yaml:3:1: numbers: is there already"),
        ({"b": ANNA + ONE, "c": "- ${HOST:-x}\n"}, "c.yaml:1:1: must be a mapping"),
        ({"b": "# nothing\n", "c": "${HOST:-x}\n"}, "c.yaml:1:1: must be a mapping"),
        ({"b": ANNA, "c": "numbers:\n  - {number: x, route: {agent: anna}}\n"}, "c.yaml:2:14: numbers[0].number: "),
        ({"b": ANNA + ONE, "c": "numbers:\n  - {number: x}\n"}, "c.yaml:2:14: numbers[1].number: "),
        ({"b": ANNA + ONE, "c": "["}, "c.yaml:"),
        ({"b": ANNA + ONE, "c": "greetings: x\n"}, "c.yaml:1:1: greetings: unknown key"),
        ({"b": ANNA + ONE, "c": "agents: {carl: {greeting: '${NONE}'}}\n"}, "c.yaml:1:27: agents.carl.greeting: "),
    ],
)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """And line and column."""
    with pytest.raises(ManifestError) as refused:
        load_manifest(folder(tmp_path, a=BASE, **files), environ={})
    assert f"{tmp_path}/{told.format(tmp_path)}" in str(refused.value)


def test_a_folder_without_a_manifest_is_one_line(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(UserError, match=r"has no \.yaml file; name the manifest with DIALROOM_MANIFEST"):
        load_manifest(tmp_path, environ={})


@pytest.mark.parametrize("target", ["nothing.yaml", "z.yaml"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, target: str) -> None:
    """Its numbers would else be missing, and be taken off."""
    path = folder(tmp_path, a=BASE, b=ANNA + ONE)
    (path / "z.yaml").symlink_to(target)
    with pytest.raises(UserError, match=r"z\.yaml: is no file"):
        load_manifest(path, environ={})
