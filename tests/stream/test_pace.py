"""How much may be sent, and how much was played, whatever the carrier says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.pace import Pace

LEAD_MS = 200
FRAME_S = 0.02


def sent_as_allowed(pace: Pace, at_s: float) -> int:
    """Send all that may be sent now; return how many frames that were."""
    frames = 0
    while not pace.wait_s(at_s):
        pace.sent(at_s)
        frames += 1
    return frames


def talked(pace: Pace, began_s: float, frames: int) -> list[str]:
    """Send a frame every 20 ms; return the names of the checkpoints that were placed."""
    names = []
    for number in range(frames):
        at_s = began_s + number * FRAME_S
        assert pace.wait_s(at_s) == 0
        pace.sent(at_s)
        if name := pace.checkpoint(at_s, last=number == frames - 1):
            names.append(name)
    return names


@pytest.mark.parametrize(("lead_ms", "frames"), [(20, 1), (50, 2), (200, 10)])
def test_no_more_than_the_lead_is_sent_ahead(lead_ms: int, frames: int) -> None:
    """A whole lead at once, then a frame every 20 ms; after a standstill a whole lead again, and no more."""
    pace = Pace(lead_ms=lead_ms)
    assert sent_as_allowed(pace, 5.0) == frames
    assert pace.wait_s(5.0) == pytest.approx(FRAME_S - (lead_ms / 1000 - frames * FRAME_S))
    assert [sent_as_allowed(pace, 5.0 + number * FRAME_S) for number in range(1, 50)] == [1] * 49
    assert sent_as_allowed(pace, 60.0) == frames


def test_the_pace_does_not_drift() -> None:
    """A wake-up that is late each time does not add up."""
    pace, at_s = Pace(lead_ms=LEAD_MS), 0.0
    while at_s < 600:
        at_s += pace.wait_s(at_s) + 0.003
        sent_as_allowed(pace, at_s)
    assert 0 <= pace.sent_ms - at_s * 1000 <= LEAD_MS


def test_a_lead_below_a_frame_is_refused() -> None:
    """Nothing could ever be sent."""
    with pytest.raises(ValueError, match="20 ms"):
        Pace(lead_ms=19)


def test_checkpoints_say_where_they_stand() -> None:
    """Segment, run, position; one at the end, and some on the way."""
    pace = Pace(checkpoint_every_ms=400)
    assert talked(pace, 1.0, 45) == ["s1-r0-400ms", "s1-r0-800ms", "s1-r0-900ms"]
    pace.begin()
    talked(pace, 3.0, 30)
    pace.cut(3.2)
    assert talked(pace, 3.3, 10) == ["s2-r1-400ms"]


def test_a_segment_is_over_when_its_end_was_played() -> None:
    """Neither earlier than the sound takes, nor later than it is told."""
    pace = Pace(limit_s=2.0)
    *_, last = talked(pace, 1.0, 50)
    assert pace.over_at_s() == pytest.approx(2.0 + 2.0)
    pace.played(last, 1.5)
    assert pace.over_at_s() == pytest.approx(2.0)
    assert pace.played_ms(1.5) == 500


def test_the_end_of_a_reply_that_is_told_late_is_waited_for_from_then_on() -> None:
    """The voice may fall silent long before it says that it is done."""
    pace = Pace(limit_s=2.0)
    pace.sent(1.0)
    pace.checkpoint(9.0, last=True)
    assert pace.over_at_s() == pytest.approx(11.0)


def test_a_carrier_that_stands_still_is_believed_when_it_says_so_twice() -> None:
    """One late name was late on its way; more of them mean that the sound is late."""
    pace = Pace(lead_ms=100, checkpoint_every_ms=200)
    late_s = dict.fromkeys(range(200, 1000, 200), 0.05) | dict.fromkeys(range(1000, 3001, 200), 0.55)
    names = talked(pace, 0.0, 150)
    told = sorted((int(name.split("-")[-1].removesuffix("ms")), name) for name in names)
    played = {}
    for position_ms, name in told:
        pace.played(name, position_ms / 1000 + late_s[position_ms])
        played[position_ms] = pace.played_ms(position_ms / 1000 + late_s[position_ms])
    assert played[800] == 850
    assert played[1000] == 1550
    assert played[1200] == 1250
    assert played[2400] == 2450


def test_a_carrier_that_was_behind_has_caught_up_in_a_silence() -> None:
    """The voice was slow, the line empty: what was late before says nothing of what comes after."""
    pace = Pace(checkpoint_every_ms=200)
    pace.played(talked(pace, 0.0, 11)[0], 0.25)
    pace.begin()
    for number, name in enumerate(talked(pace, 10.0, 40), start=1):
        pace.played(name, 10.9 + number * 0.2)
    assert pace.played_ms(11.7) == 800
    pace.begin()
    for number, name in enumerate(talked(pace, 20.0, 40)[:3], start=1):
        pace.played(name, 20.3 + number * 0.2)
    assert pace.played_ms(20.9) == 650
    pace.sent(30.0)
    assert pace.played_ms(30.02) == 820


def test_a_voice_that_is_just_too_slow_does_not_hide_a_carrier_that_is_behind() -> None:
    """The line is empty for a moment before each frame: nobody catches up in that."""
    pace, placed = Pace(checkpoint_every_ms=200), []
    for number in range(100):
        pace.sent(number * 0.025)
        if name := pace.checkpoint(number * 0.025):
            placed.append((number * 0.025 + FRAME_S, name))
        while placed and placed[0][0] + (0.0 if number < 40 else 0.4) <= number * 0.025:
            pace.played(placed.pop(0)[1], number * 0.025)
    assert pace.played_ms(2.5) < 1800


@dataclass
class Exact:
    """A carrier without delay, frame by frame: the most that can have been played."""

    began_s: list[float] = field(default_factory=list)
    before_ms: float = 0.0

    def play(self, at_s: float) -> None:
        self.began_s.append(max(at_s, self.began_s[-1] + FRAME_S) if self.began_s else at_s)

    def played_ms(self, at_s: float) -> float:
        return self.before_ms + sum(min(max(at_s - began_s, 0.0), FRAME_S) for began_s in self.began_s) * 1000


steps = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 900)),
    st.tuples(st.just("send"), st.integers(1, 30)),
    st.tuples(st.just("place"), st.booleans()),
    st.tuples(st.just("tell"), st.integers(0, 200)),
    st.tuples(st.just("noise"), st.text(max_size=12)),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("lost"), st.none()),
    st.tuples(st.just("begin"), st.none()),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(steps, max_size=60), st.integers(20, 500), st.sampled_from([20, 60, 400]))
def test_played_is_never_more_than_possible_and_never_less_than_confirmed(
    script: list[tuple[str, object]], lead_ms: int, every_ms: int
) -> None:
    """Names come late, doubled, out of order, from earlier runs and segments, or were never given."""
    pace, exact, at_s = Pace(lead_ms=lead_ms, checkpoint_every_ms=every_ms), Exact(), 100.0
    names: list[str] = []
    valid: dict[str, int] = {}
    confirmed_ms, first_s = 0, at_s

    def place(last: bool) -> None:
        if name := pace.checkpoint(at_s, last=last):
            names.append(name)
            valid[name] = pace.sent_ms

    for step, value in script:
        match step, value:
            case "pass", int():
                at_s += value / 1000
            case "send", int():
                for _ in range(value):
                    if pace.wait_s(at_s):
                        break
                    first_s = first_s if exact.began_s or exact.before_ms else at_s
                    pace.sent(at_s)
                    exact.play(at_s)
                    place(last=False)
                ahead_ms = pace.sent_ms - exact.played_ms(at_s)
                assert ahead_ms <= lead_ms + 0.01
            case "place", bool():
                place(last=value)
            case "tell", int() if names:
                name = names[value % len(names)]
                if pace.played(name, at_s):
                    assert name in valid
                    confirmed_ms = max(confirmed_ms, min(valid.pop(name), int(exact.played_ms(at_s) + 0.01)))
            case "noise", str():
                assert not pace.played(value, at_s)
            case "cut", _:
                before_ms = pace.played_ms(at_s)
                pace.cut(at_s)
                assert pace.sent_ms == pace.played_ms(at_s) == before_ms
                exact, valid = Exact(before_ms=before_ms), {}
            case "lost", _:
                pace.lost()
            case "begin", _:
                pace.begin()
                exact, valid, confirmed_ms, first_s = Exact(), {}, 0, at_s
        played_ms = pace.played_ms(at_s)
        assert confirmed_ms <= played_ms <= pace.sent_ms
        assert played_ms <= exact.played_ms(at_s) + 0.01
        assert played_ms <= (at_s - first_s) * 1000 + 0.01


@settings(deadline=None)
@given(
    lateness=st.lists(st.floats(0, 0.09), min_size=20, max_size=20),
    asked_ms=st.integers(0, 4000),
    twice=st.booleans(),
    backwards=st.booleans(),
)
def test_a_carrier_on_time_is_known_exactly(lateness: list[float], asked_ms: int, twice: bool, backwards: bool) -> None:
    """Whatever happens to the names on their way within a tenth of a second."""
    pace = Pace(checkpoint_every_ms=200)
    told = []
    for number in range(200):
        at_s = number * FRAME_S
        pace.sent(at_s)
        if name := pace.checkpoint(at_s, last=number == 199):
            told.append((at_s + FRAME_S + lateness[len(told)], name))
    if backwards:
        told = [(at_s, other) for (at_s, _), (_, other) in zip(told, reversed(told), strict=True)]
    for at_s, name in sorted(told):
        if at_s * 1000 <= asked_ms:
            assert pace.played(name, at_s) or backwards
            assert not (twice and pace.played(name, at_s))
    assert pace.played_ms(asked_ms / 1000) == asked_ms
