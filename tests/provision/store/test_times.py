"""Leases by two clocks that go apart."""

from hypothesis import given
from hypothesis import strategies as st

from provision.store.times import Now, Term, Watch

BEGUN = Now(wall_s=1000, steady_s=10)
seconds = st.floats(min_value=0, max_value=1e6)


@given(seconds, seconds)
def test_a_term_is_over_by_whichever_clock_says_so_first(wall_s, steady_s):
    """A sixth before others may think so."""
    now = Now(wall_s=BEGUN.wall_s + wall_s, steady_s=BEGUN.steady_s + steady_s)
    passed_s = max(now.wall_s - BEGUN.wall_s, now.steady_s - BEGUN.steady_s)
    assert Term(BEGUN, 30).over(now) is (passed_s >= 25)


def test_a_clock_that_was_set_back_does_not_lengthen_a_term():
    """The steady one counts on."""
    assert Term(BEGUN, 30).over(Now(wall_s=0, steady_s=40))


def test_a_suspend_does_not_lengthen_a_term():
    """The steady clock stood still; the wall's did not."""
    assert Term(BEGUN, 30).over(Now(wall_s=5000, steady_s=10))


def test_a_watch_begins_anew_with_every_sign_of_life():
    """Only a whole lease without one counts."""
    watch = Watch()

    def still(sign: int, steady_s: float) -> bool:
        return watch.still(("token", sign), lease_s=30, now=Now(wall_s=0, steady_s=steady_s))

    assert [still(0, 0), still(0, 29), still(1, 30), still(1, 59)] == [False] * 4
    assert still(1, 60)
