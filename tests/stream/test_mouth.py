"""What the caller hears of the agent, and what the session is told of it, on a clock that the test turns by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent, PlaybackStartedEvent

from lab.media.codec import Samples
from lab.media.g711 import ULAW_DECODE, ULAW_ENCODE
from stream.encoding import L16_LITTLE
from stream.mouth import Mouth
from stream.pace import LEAD_MS, LIMIT_S, Pace
from tests.stream.carrier import Carrier
from tests.stream.clocks import HandClock, settle

PLAYED_ERROR_MS = 20
"""The carrier's ticks are not ours."""


def tone(ms: int, *, seed: int = 0) -> Samples:
    """Return sound that µ-law leaves as it is, that has no zeros, and no two alike pieces."""
    codes = np.random.default_rng(seed).integers(0, 127, ms * 8, np.uint8)
    return ULAW_DECODE[codes]


def frame(samples: Samples, rate: int = 8000) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples))


@dataclass
class Line:
    """A mouth, its carrier, and what the session is told."""

    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.carrier = Carrier(self.clock, start_s=0.007)
        self.mouth = Mouth(self.carrier, clock=self.clock)
        self.carrier.tell = self.mouth.played
        self.finished: list[PlaybackFinishedEvent] = []
        self.started: list[PlaybackStartedEvent] = []
        self.mouth.on("playback_finished", self.finished.append)
        self.mouth.on("playback_started", self.started.append)

    async def capture(self, samples: Samples, *, frame_ms: int = 50) -> None:
        for start in range(0, len(samples), frame_ms * 8):
            await self.mouth.capture_frame(frame(samples[start : start + frame_ms * 8]))

    async def say(self, samples: Samples) -> None:
        await self.capture(samples)
        self.mouth.flush()

    @property
    def told(self) -> list[tuple[float, bool]]:
        return [(event.playback_position, event.interrupted) for event in self.finished]


@pytest.fixture
async def line():
    line = Line()
    yield line
    await line.mouth.aclose()
    await settle()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "mouth"]


async def test_a_reply_is_heard_whole_and_told_once(line):
    """To the sample, whatever the frames were; the carrier never holds more than the lead."""
    said = tone(1230)
    await line.say(said)
    await line.clock.turn(1.2)
    assert (len(line.started), line.told) == (1, [])
    await line.clock.turn(0.1)
    assert line.carrier.heard.tolist() == said.tolist()
    assert line.told == [(1.23, False)]
    assert line.carrier.frames_waiting_most <= LEAD_MS // 20 + 2  # and the checkpoints between
    await line.clock.turn(10)
    assert (len(line.started), len(line.told), line.carrier.cleared_at) == (1, 1, [])


async def test_a_reply_begins_before_it_is_made_to_its_end(line):
    """What comes slowly is played as it comes; it is over when it is flushed."""
    said = tone(600)
    for start in range(0, len(said), 800):
        await line.capture(said[start : start + 800])
        await line.clock.turn(0.4)
    assert len(line.started) == 1
    assert line.carrier.heard.tolist() == said.tolist()
    assert line.told == []
    line.mouth.flush()
    await line.clock.turn(0.1)
    assert line.told == [(0.6, False)]


@pytest.mark.parametrize("heard_s", [0.0, 0.013, 0.3, 0.777, 1.99])
async def test_an_interruption_is_told_at_once_with_what_was_heard(line, heard_s):
    """The carrier is told to be silent, and the position is its own truth."""
    await line.say(tone(2000))
    await line.clock.turn(heard_s)
    line.mouth.clear_buffer()
    assert len(line.told) == 1
    await line.clock.turn(5)
    (position_s, interrupted), *others = line.told
    assert (interrupted, others) == (True, [])
    assert len(line.carrier.cleared_at) == 1
    assert abs(position_s * 1000 - line.carrier.heard_ms) <= PLAYED_ERROR_MS
    assert line.carrier.heard_ms <= heard_s * 1000 + PLAYED_ERROR_MS


async def test_the_next_reply_follows_the_clear(line):
    """It is heard whole, and nothing of the one before it."""
    await line.say(tone(2000))
    await line.clock.turn(0.5)
    line.mouth.clear_buffer()
    await line.say(tone(400, seed=1))
    await line.clock.turn(1)
    assert line.carrier.heard[line.carrier.cleared_at[0] :].tolist() == tone(400, seed=1).tolist()
    assert [interrupted for _, interrupted in line.told] == [True, False]


async def test_nothing_to_clear_and_nothing_to_flush(line):
    """The session does both as it likes."""
    for _ in range(3):
        line.mouth.flush()
        line.mouth.clear_buffer()
        await settle()
    await line.say(tone(100))
    await line.clock.turn(1)
    line.mouth.flush()
    line.mouth.clear_buffer()
    await settle()
    assert (line.told, line.carrier.cleared_at) == ([(0.1, False)], [])


async def test_what_comes_after_a_clear_belongs_to_what_was_cleared(line):
    """Until the flush: one segment is told once."""
    await line.capture(tone(300))
    await line.clock.turn(0.1)
    line.mouth.clear_buffer()
    await line.say(tone(300))
    await line.clock.turn(3)
    assert [interrupted for _, interrupted in line.told] == [True]
    assert line.carrier.heard_ms <= 100 + PLAYED_ERROR_MS


async def test_each_pending_reply_is_told(line):
    """In their order: those that were not begun were not heard."""
    for seed in range(3):
        await line.say(tone(500, seed=seed))
    await line.clock.turn(0.7)
    line.mouth.clear_buffer()
    (first, second, third) = line.told
    assert first == (0.5, False)
    assert second[1]
    assert 0.1 < second[0] <= 0.2
    assert third == (0.0, True)


async def test_a_pause_is_silent_at_once_and_loses_no_word(line):
    """However often it is asked for; what was not heard of it is heard afterwards, and once."""
    said = tone(1500)
    await line.say(said)
    await line.clock.turn(0.5)
    for _ in range(30):
        line.mouth.pause()
        await line.clock.turn(1 / 30)
    heard_ms = line.carrier.heard_ms
    assert heard_ms <= 500 + PLAYED_ERROR_MS
    assert len(line.carrier.cleared_at) == 1
    assert line.told == []
    for _ in range(30):
        line.mouth.resume()
        await line.clock.turn(1 / 30)
    await line.clock.turn(1)
    assert line.told == [(1.5, False)]
    assert len(line.started) == 1
    assert abs(line.carrier.heard_ms - 1500) <= PLAYED_ERROR_MS
    assert line.carrier.heard[-8000:].tolist() == said[-8000:].tolist()


async def test_pauses_and_resumes_in_turn_get_through(line):
    """A reply that is stopped every few frames comes to its end."""
    await line.say(tone(600))
    for _ in range(60):
        line.mouth.pause()
        await line.clock.turn(0.011)
        line.mouth.resume()
        await line.clock.turn(0.022)
    await line.clock.turn(1)
    assert line.told == [(0.6, False)]


async def test_a_pause_before_the_first_sound(line):
    """Nothing is sent and nothing told until it ends; cleared in the pause, nothing was heard."""
    line.mouth.pause()
    await line.say(tone(300))
    await line.clock.turn(1)
    assert (line.started, line.told, line.carrier.heard_ms) == ([], [], 0)
    line.mouth.clear_buffer()
    assert line.told == [(0.0, True)]
    line.mouth.resume()
    await line.say(tone(200))
    await line.clock.turn(1)
    assert line.told[1:] == [(0.2, False)]
    assert line.carrier.heard_ms == 200


async def test_an_interruption_in_a_pause_is_told_where_the_pause_began(line):
    """As a barge-in happens: first the pause, then the words that make it one."""
    await line.say(tone(2000))
    await line.clock.turn(0.6)
    line.mouth.pause()
    await line.clock.turn(0.8)
    line.mouth.clear_buffer()
    line.mouth.resume()
    await line.clock.turn(3)
    ((position_s, interrupted),) = line.told
    assert interrupted
    assert abs(position_s * 1000 - line.carrier.heard_ms) <= PLAYED_ERROR_MS
    assert line.carrier.heard_ms <= 600 + PLAYED_ERROR_MS


async def test_a_pause_after_the_last_sound_ends_nothing(line):
    """What was played is over, paused or not."""
    await line.say(tone(300))
    await line.clock.turn(0.31)
    line.mouth.pause()
    await line.clock.turn(1)
    assert line.told == [(0.3, False)]


async def test_a_carrier_that_never_tells_is_waited_for_no_longer_than_the_limit(line):
    """The turn must end."""
    line.carrier.tell = lambda _: None
    await line.say(tone(500))
    await line.clock.turn(0.5 + LIMIT_S - 0.01)
    assert line.told == []
    await line.clock.turn(0.02)
    assert line.told == [(0.5, False)]


async def test_names_that_mean_nothing_do_nothing(line):
    """Unknown, doubled, from the reply before, or told as soon as they are placed."""
    first = Line(line.clock)
    await first.say(tone(900))
    await line.clock.turn(2)
    old = first.carrier.names
    line.carrier.tell = lambda name: [line.mouth.played(each) for each in (name, "", name, "s9-r9-9000ms", *old[::-1])]
    await line.say(tone(500, seed=1))
    await line.clock.turn(1)
    assert line.told == [(0.5, False)]
    await line.say(tone(900))
    for name in ("s2-r0-400ms", "s2-r0-800ms", "s2-r0-900ms"):
        line.mouth.played(name)
    await line.clock.turn(0.3)
    line.mouth.clear_buffer()
    assert line.told[1][0] <= 0.3
    await first.mouth.aclose()


async def test_a_carrier_that_stands_still_is_not_taken_for_heard(line):
    """As long as it says so: its checkpoints come as late as its sound."""
    await line.say(tone(4000))
    await line.clock.turn(0.9)
    line.carrier.stand_still(1.0)
    await line.clock.turn(2.0)
    line.mouth.clear_buffer()
    await settle()
    assert abs(line.told[0][0] * 1000 - line.carrier.heard_ms) <= 2 * PLAYED_ERROR_MS


async def test_a_lost_socket_goes_on_where_it_was_lost(line):
    """Nothing twice, nothing left out, one end; the lead that was sent plays on meanwhile."""
    said, other = tone(2000), Carrier(line.clock)
    await line.say(said)
    await line.clock.turn(0.5)
    line.carrier.lost = True
    await line.clock.turn(3)
    before = line.carrier.heard
    assert len(before) <= (500 + LEAD_MS) * 8
    assert line.told == []
    other.tell = line.mouth.played
    line.mouth.carry_over(other)
    await line.clock.turn(3)
    assert [*before, *other.heard] == said.tolist()
    assert (len(line.started), line.told) == (1, [(2.0, False)])


async def test_a_last_checkpoint_that_was_lost_with_its_socket_is_placed_anew(line):
    """And the reply ends when it is told."""
    other = Carrier(line.clock)
    line.carrier.tell = lambda _: None
    other.tell = line.mouth.played
    await line.say(tone(500))
    await line.clock.turn(0.6)
    line.mouth.carry_over(other)
    await line.clock.turn(0.1)
    assert line.told == [(0.5, False)]


async def test_a_clear_that_the_lost_socket_did_not_take_is_the_first_thing_on_the_next(line):
    """What the carrier still holds is not heard before the next reply."""
    other = Carrier(line.clock)
    await line.say(tone(2000))
    await line.clock.turn(0.5)
    line.carrier.lost = True
    line.mouth.clear_buffer()
    await line.say(tone(300, seed=1))
    await line.clock.turn(1)
    line.mouth.carry_over(other)
    await line.clock.turn(1)
    assert other.cleared_at == [0]
    assert other.heard.tolist() == tone(300, seed=1).tolist()


async def test_a_pause_without_a_socket_repeats_nothing(line):
    """What was sent is played, for nobody can clear it."""
    said, other = tone(1000), Carrier(line.clock)
    await line.say(said)
    await line.clock.turn(0.3)
    line.carrier.lost = True
    await line.clock.turn(0.05)
    line.mouth.pause()
    await line.clock.turn(1)
    line.mouth.carry_over(other)
    line.mouth.resume()
    await line.clock.turn(2)
    assert [*line.carrier.heard, *other.heard] == said.tolist()


class Stuck(Carrier):
    """A socket that takes nothing, and says so only when it is given up, if then."""

    says_so = False

    async def play(self, payload: bytes) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self.says_so:
                raise ConnectionError from None
            raise


@pytest.mark.parametrize("says_so", [False, True])
async def test_a_socket_that_hangs_is_left_behind(says_so):
    """As a connection does whose other end has vanished; the frame that hung was not heard."""
    line = Line()
    socket = Stuck(line.clock)
    socket.says_so = says_so
    stuck = Mouth(socket, clock=line.clock)
    line.carrier.tell = stuck.played
    await stuck.capture_frame(frame(tone(400)))
    await line.clock.turn(1)
    if not says_so:
        stuck.carry_over(Stuck(line.clock))
    stuck.carry_over(line.carrier)
    stuck.flush()
    await line.clock.turn(1)
    assert line.carrier.heard.tolist() == tone(400).tolist()
    assert (await stuck.wait_for_playout()).playback_position == 0.4
    await stuck.aclose()


class Held(Carrier):
    """A socket that takes its time for each frame."""

    gate = asyncio.Event()

    async def play(self, payload: bytes) -> None:
        await self.gate.wait()
        await super().play(payload)


async def test_what_is_on_its_way_when_it_is_cleared_is_cleared():
    """The clear follows it, and it is not told as heard or begun."""
    clock = HandClock()
    held = Held(clock)
    held.gate = asyncio.Event()
    mouth, started = Mouth(held, clock=clock), list[PlaybackStartedEvent]()
    mouth.on("playback_started", started.append)
    await mouth.capture_frame(frame(tone(400)))
    await settle()
    mouth.flush()
    mouth.clear_buffer()
    held.gate.set()
    await clock.turn(1)
    assert (held.cleared_at, held.heard_ms, started) == ([0], 0, [])
    assert (await mouth.wait_for_playout()).playback_position == 0
    await mouth.aclose()


@pytest.mark.parametrize("state", ["new", "captured", "playing", "flushed", "paused", "lost", "cleared", "over"])
async def test_it_can_be_closed_in_any_state(line, state):
    """Twice, too. Each reply is told; what comes afterwards is told as not heard, so that nobody waits for it."""
    replies = 0 if state == "new" else 1
    if replies:
        await line.capture(tone(700))
    if state != "captured":
        await line.clock.turn(0.3)
    match state:
        case "flushed":
            line.mouth.flush()
        case "paused":
            line.mouth.pause()
        case "lost":
            line.carrier.lost = True
            await line.clock.turn(0.1)
        case "cleared":
            line.mouth.clear_buffer()
        case "over":
            line.mouth.flush()
            await line.clock.turn(2)
    await line.mouth.aclose()
    await line.mouth.aclose()
    assert len(line.told) == replies
    line.mouth.flush()
    await line.say(tone(100))
    assert line.told[replies:] == [(0.0, True)]
    line.mouth.clear_buffer()
    line.mouth.pause()
    line.mouth.resume()
    line.mouth.carry_over(line.carrier)
    assert len(line.told) == replies + 1
    await asyncio.wait_for(line.mouth.wait_for_playout(), 1)


steps = st.one_of(
    st.tuples(st.just("capture"), st.integers(0, 400)),
    st.tuples(st.just("turn"), st.integers(0, 700)),
    st.tuples(st.sampled_from(["flush", "clear", "pause", "resume", "lose", "carry over"]), st.none()),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(steps, max_size=40))
def test_whatever_happens_each_reply_is_told_once_and_nothing_is_heard_twice(script):
    """In any order; only what a pause took back may be heard again, by a frame."""

    async def happens() -> None:
        line = Line()
        carriers, captured_ms, pauses = [line.carrier], 0, 0
        for step, value in script:
            match step:
                case "capture":
                    await line.mouth.capture_frame(frame(tone(value)))
                    captured_ms += value
                case "turn":
                    await line.clock.turn(value / 1000)
                case "flush":
                    line.mouth.flush()
                case "clear":
                    line.mouth.clear_buffer()
                case "pause":
                    line.mouth.pause()
                    pauses += 1
                case "resume":
                    line.mouth.resume()
                case "lose":
                    carriers[-1].lost = True
                case "carry over":
                    carriers[-1].lost = True
                    carriers.append(Carrier(line.clock))
                    carriers[-1].tell = line.mouth.played
                    line.mouth.carry_over(carriers[-1])
            assert len(line.finished) <= line.mouth.captured_playout_segments
            heard_ms = sum(carrier.heard_ms for carrier in carriers)
            assert heard_ms <= captured_ms + pauses * (LEAD_MS if len(carriers) > 1 else PLAYED_ERROR_MS)
        line.mouth.resume()
        line.mouth.flush()
        if carriers[-1].lost:
            line.mouth.carry_over(Carrier(line.clock))
        await line.clock.turn(captured_ms / 1000 + 10)
        assert len(line.finished) == line.mouth.captured_playout_segments
        assert sum(event.playback_position for event in line.finished) <= captured_ms / 1000 + 1e-9
        await line.mouth.aclose()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "mouth"]

    asyncio.run(happens())


async def test_sixteen_bits_at_16_khz():
    """Where the carrier takes them: 640 bytes a frame, the last one filled up with silence."""

    class Wire:
        def __init__(self) -> None:
            self.payloads: list[bytes] = []

        async def play(self, payload: bytes) -> None:
            self.payloads.append(payload)

        async def checkpoint(self, name: str) -> None: ...

        async def clear(self) -> None: ...

    clock, wire = HandClock(), Wire()
    mouth = Mouth(wire, encoding=L16_LITTLE, clock=clock)
    said = np.arange(1, 16 * 50 + 1, dtype=np.int16)
    await mouth.capture_frame(frame(said, 16_000))
    mouth.flush()
    await clock.turn(1)
    assert [len(payload) for payload in wire.payloads] == [640] * 3
    assert b"".join(wire.payloads) == said.tobytes() + bytes(320)
    await clock.turn(3)
    assert (await mouth.wait_for_playout()).playback_position == 0.05
    await mouth.aclose()


@pytest.mark.parametrize("wrong", [frame(tone(20), 16_000), rtc.AudioFrame(bytes(640), 8000, 2, 160)])
async def test_sound_of_another_kind_is_refused(line, wrong):
    """It would be noise, and nobody would wait for its end."""
    with pytest.raises(ValueError, match="8000 Hz"):
        await line.mouth.capture_frame(wrong)
    await asyncio.wait_for(line.mouth.wait_for_playout(), 1)


async def test_the_lead_is_a_setting():
    """The first burst is as long as it."""
    clock = HandClock()
    carrier = Carrier(clock)
    mouth = Mouth(carrier, pace=Pace(lead_ms=60), clock=clock)
    await mouth.capture_frame(frame(ULAW_DECODE[np.full(4000, ULAW_ENCODE[5000])]))
    await settle()
    assert carrier.frames_waiting_most == 3
    await mouth.aclose()
