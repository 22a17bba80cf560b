"""The text of an error: one line that a person can read, whatever was written."""

import pytest

from telephony.errors import UserError
from telephony.numbers import NumberError
from tests.telephony.manifest.manifests import MINIMAL, parsed

HUGE = "it's " + "a\\" * 500_000


@pytest.mark.parametrize(
    "value", [HUGE, HUGE.replace("'", ""), HUGE.replace("'", '"'), "'\"" * 500_000, "\n" * 500_000]
)
def test_what_is_quoted_is_shortened(value: str) -> None:
    """Whatever marks and line breaks are in it; what stands around it stays."""
    told = str(UserError(f"it's the user's: {value!r} is no host, and {value!r} neither; write one like 'x.in'"))
    assert len(told) < 300
    assert told.startswith("it's the user's: ")
    assert told.count("…") == 2
    assert told.endswith(" neither; write one like 'x.in'")


def test_prose_is_left_alone() -> None:
    """Its apostrophes are no quotes, however far apart they are."""
    text = "the callers' host is what the carrier's trunk " + "says, and " * 20 + "the worker's name isn't; 'x' is"
    assert str(UserError(text)) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+918071000001", "9" * 1_000_000),
        ("{ agent: front-desk }", f"{{ agent: {'a' * 1_000_000} }}"),
        ("{ agent: front-desk }", f"{{ sip: 'sip:{'a ' * 500_000}' }}"),
        ("{ agent: front-desk }", f"{{ stream: {{ answer_url: 'http://{'a/' * 500_000}' }} }}"),
        ("sip.example.com", f"'{'a,' * 500_000}'"),
        ("greeting", "b" * 1_000),
        ("front-desk:", f"{'C' * 1_000}:"),
        ("Hello.", "${" + "d" * 1_000_000),
    ],
)
def test_a_huge_value_of_a_manifest_is_not_told_at_full_length(old: str, new: str) -> None:
    """Wherever it stands, as a value, a key or a name."""
    with pytest.raises(UserError) as refused:
        parsed(MINIMAL.replace(old, new))
    assert "…" in str(refused.value)
    assert all(len(line) < 400 for line in str(refused.value).splitlines())


def test_an_argument_is_shortened_too() -> None:
    """It comes from a shell, where a file may be put in by mistake."""
    assert len(str(NumberError("8" * 100_000, "too long"))) < 200
