"""What is played into a call, frame by frame."""

from __future__ import annotations

import numpy as np

from lab.media.codec import Samples
from lab.vobiz.calls.phone_line import PlayQueue


def sound(count: int, value: int = 1) -> Samples:
    return np.full(count, value, np.int16)


def test_pieces_are_joined_and_the_rest_is_silence() -> None:
    """Whatever their lengths."""
    queue = PlayQueue()
    queue.play(sound(100, 1))
    queue.play(sound(100, 2))
    assert queue.next_frame(160).tolist() == [1] * 100 + [2] * 60
    assert queue.next_frame(160).tolist() == [2] * 40 + [0] * 120
    assert queue.next_frame(160).tolist() == [0] * 160


def test_a_mark_is_told_when_everything_before_it_has_left() -> None:
    """Not a frame earlier; with nothing before it, at the next frame."""
    told: list[str] = []
    queue = PlayQueue()
    queue.on_mark = told.append
    queue.mark("empty")
    queue.next_frame(160)
    assert told == ["empty"]
    queue.play(sound(200))
    queue.mark("one")
    queue.mark("two")
    queue.play(sound(10))
    queue.next_frame(160)
    assert told == ["empty"]
    queue.next_frame(160)
    assert told == ["empty", "one", "two"]


def test_what_is_cleared_is_neither_heard_nor_told() -> None:
    """Marks too."""
    told: list[str] = []
    queue = PlayQueue()
    queue.on_mark = told.append
    queue.play(sound(1000))
    queue.mark("never")
    queue.next_frame(160)
    queue.clear()
    assert not queue.next_frame(160).any()
    assert told == []
