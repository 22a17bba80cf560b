"""agent/conversation/digits.py: keys → a message for the model."""

from __future__ import annotations

from agent.conversation.digits import DigitEntry


def pressed(entry: DigitEntry, keys: str) -> list[str | None]:
    """Press keys one by one."""
    return [entry.press(key) for key in keys]


def test_the_hash_key_ends_an_entry() -> None:
    """The message holds every key, spelled."""
    assert pressed(DigitEntry(), "12#") == [None, None, "The caller pressed 1 2 #"]


def test_a_pause_ends_an_entry() -> None:
    """Whoever has the clock says when."""
    entry = DigitEntry()
    pressed(entry, "4*")
    assert entry.finish() == "The caller pressed 4 *"


def test_each_key_is_told_once() -> None:
    """After an entry nothing is left."""
    entry = DigitEntry()
    pressed(entry, "1#")
    assert entry.finish() is None
    assert pressed(entry, "2#") == [None, "The caller pressed 2 #"]
