"""Whoever waits for a busy server hears of it, and not too often."""

from provision.busy import Busy


def test_it_is_told_at_once_and_then_every_fifteen_seconds() -> None:
    """Two minutes of refusals are no silence, and no flood."""
    busy = Busy()
    assert [at_s for at_s in range(100, 161) if busy.is_to_tell(at_s)] == [100, 115, 130, 145, 160]


def test_a_server_that_takes_requests_meanwhile_is_told_once() -> None:
    """A long apply runs into the limit again and again."""
    busy, told = Busy(), []
    for at_s in range(100, 161):
        busy.taken(at_s)
        if busy.is_to_tell(at_s + 0.5):
            told.append(at_s)
    assert told == [100]
