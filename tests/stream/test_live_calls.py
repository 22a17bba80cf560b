"""Seats: exact in every order of what a carrier does, or somebody who is none."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stream.live_calls import ENDED_KEPT, ENDED_KEPT_S, STREAMS_LIMIT, Counts, LiveCalls, Opened

SEATS, SOCKET_S, RECONNECT_S = 2, 30.0, 10.0


def live_calls(max_calls: int = SEATS) -> LiveCalls:
    return LiveCalls(max_calls=max_calls, socket_wait_s=SOCKET_S, reconnect_wait_s=RECONNECT_S)


def test_a_call_takes_a_seat_and_gives_it_back():
    """With the hang-up webhook."""
    calls = live_calls()
    assert calls.answer("a", now_s=0) == "seated"
    assert calls.counts(now_s=0) == Counts(waiting=1, talking=0, lost=0, free=1)
    assert calls.open("a", "s1", now_s=1) == Opened(None)
    assert calls.counts(now_s=1) == Counts(waiting=0, talking=1, lost=0, free=1)
    assert calls.end("a", now_s=2)
    assert not calls.end("a", now_s=2)
    assert calls.counts(now_s=2) == Counts(waiting=0, talking=0, lost=0, free=2)
    assert calls.open("a", "s2", now_s=2) is None
    assert calls.answer("a", now_s=2) == "over"


def test_the_carrier_asks_again_and_no_second_seat_is_taken():
    """It waits anew for the socket: only now does the carrier have the answer."""
    calls = live_calls()
    assert [calls.answer("a", now_s=n * 20) for n in range(4)] == ["seated", "again", "again", "again"]
    assert calls.counts(now_s=89).taken == 1
    assert calls.lapsed(now_s=90) == ["a"]


def test_a_call_too_many_is_refused_until_a_seat_is_free():
    """One that has a seat is never refused."""
    calls = live_calls()
    assert [calls.answer(call, now_s=0) for call in "abca"] == ["seated", "seated", "full", "again"]
    calls.end("a", now_s=1)
    assert calls.answer("c", now_s=1) == "seated"


def test_a_socket_that_never_comes_frees_the_seat():
    """A carrier that asks later still gets one: it may have been waiting for our answer all the time."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    assert calls.lapsed(now_s=SOCKET_S - 0.01) == []
    assert calls.open("a", "s1", now_s=SOCKET_S) is None
    assert calls.lapsed(now_s=SOCKET_S) == ["a"]
    assert calls.lapsed(now_s=SOCKET_S) == []
    assert calls.answer("a", now_s=SOCKET_S) == "seated"


def test_a_lost_socket_comes_again_or_the_seat_is_free():
    """And a call that had a socket does not begin anew."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    calls.open("a", "s1", now_s=0)
    assert calls.close("a", "s1", now_s=100)
    assert calls.counts(now_s=100).lost == 1
    assert calls.open("a", "s2", now_s=109) == Opened(None)
    assert calls.close("a", "s2", now_s=200)
    assert calls.lapsed(now_s=210) == ["a"]
    assert calls.answer("a", now_s=210) == "over"


def test_of_two_sockets_the_newer_counts():
    """The end of the older one changes nothing."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    calls.open("a", "s1", now_s=0)
    assert calls.open("a", "s2", now_s=1) == Opened("s1")
    assert not calls.close("a", "s1", now_s=2)
    assert calls.counts(now_s=1000).talking == 1
    assert calls.close("a", "s2", now_s=1000)


def test_a_stream_comes_once():
    """A start frame that somebody recorded opens nothing."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    calls.open("a", "s1", now_s=0)
    assert calls.open("a", "s1", now_s=0) is None
    calls.close("a", "s1", now_s=0)
    assert calls.open("a", "s1", now_s=0) is None
    assert calls.counts(now_s=0).lost == 1


def test_a_call_has_no_endless_sockets():
    """Each is remembered."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    opened = [calls.open("a", f"s{n}", now_s=0) is not None for n in range(STREAMS_LIMIT + 5)]
    assert opened == [True] * STREAMS_LIMIT + [False] * 5


def test_a_drain_gives_no_new_seats():
    """Those who have one keep it, also over a reconnect."""
    calls = live_calls()
    calls.answer("a", now_s=0)
    calls.drain()
    assert (calls.is_draining, calls.answer("b", now_s=0), calls.answer("a", now_s=0)) == (True, "draining", "again")
    assert calls.open("a", "s1", now_s=0) == Opened(None)
    assert calls.counts(now_s=0) == Counts(waiting=0, talking=1, lost=0, free=0)


def test_an_end_that_comes_before_its_beginning_counts():
    """For a while, and not of endlessly many calls."""
    calls = live_calls()
    assert not calls.end("a", now_s=0)
    assert calls.answer("a", now_s=ENDED_KEPT_S - 1) == "over"
    assert calls.answer("a", now_s=ENDED_KEPT_S) == "seated"
    for n in range(ENDED_KEPT + 1):
        calls.end(f"c{n}", now_s=ENDED_KEPT_S)
    assert calls.answer("c1", now_s=ENDED_KEPT_S) == "over"
    assert calls.answer("c0", now_s=ENDED_KEPT_S) == "seated"


def test_a_clock_that_goes_back_frees_nothing_later():
    """The latest moment counts."""
    calls = live_calls()
    calls.answer("a", now_s=100)
    calls.answer("b", now_s=0)
    assert calls.lapsed(now_s=129) == []
    assert calls.lapsed(now_s=130) == ["a", "b"]


@dataclass
class Known:
    """A call as the test knows it: a list of all that its sockets did, and when it lapses."""

    since_s: float
    streams: list[str] = field(default_factory=list)
    open: str | None = None

    def is_gone(self, now_s: float) -> bool:
        limit_s = RECONNECT_S if self.streams else SOCKET_S
        return self.open is None and now_s - self.since_s >= limit_s


CALLS, STREAMS = st.sampled_from("abcdefgh"), st.sampled_from(["s1", "s2", "s3"])


class Carrier(RuleBasedStateMachine):
    """Every event, in every order, at every time: late, doubled, for calls that are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = live_calls()
        self.known: dict[str, Known] = {}
        self.over: dict[str, float] = {}
        self.lapsed: list[str] = []
        self.draining = False
        self.now_s = 0.0

    @rule(passed_s=st.sampled_from([0.5, 9.5, 10.0, 29.5, 30.0, ENDED_KEPT_S]))
    def time_passes(self, passed_s: float) -> None:
        self.now_s += passed_s
        for call in [call for call, known in self.known.items() if known.is_gone(self.now_s)]:
            if self.known.pop(call).streams:
                self.over[call] = self.now_s + ENDED_KEPT_S
            self.lapsed.append(call)
        self.over = {call: until_s for call, until_s in self.over.items() if until_s > self.now_s}

    @rule(call=CALLS)
    def answer(self, call: str) -> None:
        answer = self.calls.answer(call, now_s=self.now_s)
        if call in self.known:
            assert answer == "again"
            self.known[call].since_s = self.now_s
        elif call in self.over:
            assert answer == "over"
        elif self.draining:
            assert answer == "draining"
        elif len(self.known) == SEATS:
            assert answer == "full"
        else:
            assert answer == "seated"
            self.known[call] = Known(self.now_s)

    @rule(call=CALLS, stream=STREAMS)
    def open(self, call: str, stream: str) -> None:
        opened = self.calls.open(call, stream, now_s=self.now_s)
        known = self.known.get(call)
        if known is None or stream in known.streams:
            assert opened is None
            return
        assert opened == Opened(known.open)
        known.streams.append(stream)
        known.open = stream

    @rule(call=CALLS, stream=STREAMS)
    def close(self, call: str, stream: str) -> None:
        known = self.known.get(call)
        counted = known is not None and known.open == stream
        assert self.calls.close(call, stream, now_s=self.now_s) == counted
        if known is not None and counted:
            known.open, known.since_s = None, self.now_s

    @rule(call=CALLS)
    def end(self, call: str) -> None:
        assert self.calls.end(call, now_s=self.now_s) == (self.known.pop(call, None) is not None)
        self.over[call] = self.now_s + ENDED_KEPT_S

    @rule()
    def sweep(self) -> None:
        assert sorted(self.calls.lapsed(now_s=self.now_s)) == sorted(self.lapsed)
        self.lapsed.clear()

    @rule(meant=st.sampled_from([False] * 9 + [True]))
    def drain(self, meant: bool) -> None:
        if meant:
            self.calls.drain()
            self.draining = True

    @invariant()
    def counts_are_exact(self) -> None:
        counts = self.calls.counts(now_s=self.now_s)
        talking = sum(known.open is not None for known in self.known.values())
        waiting = sum(not known.streams for known in self.known.values())
        assert (counts.talking, counts.waiting) == (talking, waiting)
        assert counts.taken == len(self.known) <= SEATS
        assert counts.free == (0 if self.draining else SEATS - len(self.known))
        assert {call for call in "abcdefgh" if self.calls.has(call, now_s=self.now_s)} == set(self.known)


TestCarrier = Carrier.TestCase
TestCarrier.settings = settings(max_examples=300, stateful_step_count=60)
