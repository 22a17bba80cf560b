"""Scripts of callers: every form of a step, and the place of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.caller.script import BargeIn, ExpectHangUp, Hear, ScriptError, load_script, parse_script
from telephony.errors import UserError

ALL = """\
# a caller
ring_timeout_s: 12
codecs: [PCMA, G722]
steps:
  - hear: {timeout_s: 10, silence_s: 0.5}
  - hear
  - say: "good morning"
  - say: [My number is, 0.7, "four two"]
  - barge_in: {after_s: 1.0, say: "Wait."}
  - digits: "12#"
  - wait: 2
  - expect_hang_up:
  - hang_up
"""


def test_every_kind_of_step_is_read() -> None:
    """Texts, texts with pauses, bare words and defaults."""
    script = parse_script(ALL)
    assert (script.ring_timeout_s, script.codecs) == (12, ("PCMA", "G722"))
    first, second, say, paused, barge, digits, wait, expect, end = script.steps
    assert first.hear == Hear(timeout_s=10, silence_s=0.5)
    assert second.hear == Hear()
    assert say.say == ("good morning",)
    assert paused.say == ("My number is", 0.7, "four two")
    assert barge.barge_in == BargeIn(after_s=1.0, say=("Wait.",))
    assert (digits.digits, wait.wait, end.hang_up) == ("12#", 2.0, True)
    assert expect.expect_hang_up == ExpectHangUp()
    assert list(script.sentences()) == [("good morning",), ("My number is", 0.7, "four two"), ("Wait.",)]


def test_a_list_of_steps_is_a_script() -> None:
    """Without settings the steps stand alone."""
    assert len(parse_script("- hear\n- hang_up").steps) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- hear: [", "s.yaml:2:1: "),
        ("- shout: x", "s.yaml:1:3: [0].shout: no such key: shout"),
        ("- hear: {timeout: 3}", "s.yaml:1:10: [0].hear.timeout: no such key: timeout"),
        ("- hear\n- hear: {timeout_s: -1}", "s.yaml:2:10: [1].hear.timeout_s: input should be greater than 0"),
        ("- barge_in: {say: x}", "s.yaml:1:3: [0].barge_in: after_s is missing"),
        ("- say: []", "s.yaml:1:3: [0].say: tuple should have at least 1 item after validation, not 0"),
        ("- digits: 12x", "s.yaml:1:3: [0].digits: only 0 1 2 3 4 5 6 7 8 9 * # A B C D can be pressed"),
        ("- say: [hm, 1000000000]", "s.yaml:1:13: [0].say[1]: a pause lasts more than 0 and at most 60 seconds"),
        ("- sing", "s.yaml:1:3: [0]: a step has exactly one of: hear, say, barge_in"),
        ("- {say: x, wait: 1}", "s.yaml:1:3: [0]: a step has exactly one of: hear, say, barge_in"),
        ("steps: []", "s.yaml:1:1: steps: tuple should have at least 1 item"),
        ("steps: [hear]\ncodecs: [OPUS]", "s.yaml:2:10: codecs[0]: input should be 'PCMU', 'PCMA' or 'G722'"),
        ("", "s.yaml:1:1: "),
        ("hello", "s.yaml:1:1: "),
        ("steps: [hear]\nsteps: [hear]", "s.yaml:2:1: the key 'steps' stands twice"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, error: str) -> None:
    """One line: file, line, column, where in the script, what is wrong."""
    with pytest.raises(ScriptError) as caught:
        parse_script(text, name="s.yaml")
    assert str(caught.value).startswith(error)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UserError)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    for name in ("missing.yaml", "", "binary.yaml"):
        with pytest.raises(ScriptError, match="cannot be read"):
            load_script(tmp_path / name)


@pytest.mark.parametrize("name", ["demo.yaml", "greeting.yaml"])
def test_the_scripts_that_come_with_the_lab_are_good(name: str) -> None:
    """What `dialroom demo` and `dialroom call` use by default."""
    assert load_script(Path(__file__).parents[3] / "lab" / "scripts" / name).steps
