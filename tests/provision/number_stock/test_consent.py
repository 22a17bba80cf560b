"""Asking on a real terminal."""

import io
import os

import pytest

from provision.number_stock.consent import NobodyToAskError, consent


def answered(typed: bytes) -> tuple[bool, str]:
    """Type into a terminal of its own; return whether that is a yes, and what was asked."""
    outer, inner = os.openpty()
    told = io.StringIO()
    try:
        os.write(outer, typed)
        with os.fdopen(inner, "r") as terminal:
            return consent("Buy it?", yes=False, answers=terminal, told=told), told.getvalue()
    finally:
        os.close(outer)


@pytest.mark.parametrize(
    ("typed", "is_yes"),
    [(b"y\n", True), (b" YES \n", True), (b"\n", False), (b"n\n", False), (b"yep\n", False), (b"\x04", False)],
)
def test_only_yes_is_a_yes(typed, is_yes):
    """Enter alone is not, nor the end of input."""
    assert answered(typed) == (is_yes, "Buy it? [y/N] ")


def test_without_a_terminal_nobody_is_asked():
    """And nothing happens; the exit code is that of a wrong command line."""
    told = io.StringIO()
    with pytest.raises(NobodyToAskError, match="--yes") as refused:
        consent("Buy it?", yes=False, answers=io.StringIO("y\n"), told=told)
    assert refused.value.exit_code == 2
    assert told.getvalue() == ""


def test_a_yes_beforehand_asks_nobody():
    """With or without a terminal."""
    told = io.StringIO()
    assert consent("Buy it?", yes=True, answers=io.StringIO(), told=told)
    assert told.getvalue() == ""
