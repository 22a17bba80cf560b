"""What the session hears of the caller."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit import rtc

from stream.ear import Ear
from stream.encoding import L16_BIG, L16_LITTLE, MULAW, Encoding

NEVER_MS = 3_600_000
"""Silence is never put in."""


async def rest(ear: Ear) -> list[rtc.AudioFrame]:
    """End the call and return what is still given."""
    ear.end()
    return [frame async for frame in ear]


def sound(frames: list[rtc.AudioFrame]) -> list[int]:
    return [sample for frame in frames for sample in np.frombuffer(frame.data, np.int16).tolist()]


@pytest.mark.parametrize(("encoding", "rate"), [(MULAW, 8000), (L16_LITTLE, 16_000), (L16_BIG, 16_000)])
async def test_payloads_become_frames_of_20_ms(encoding: Encoding, rate: int) -> None:
    """In the rate of the stream, which the session resamples itself where it must."""
    ear = Ear(encoding, quiet_ms=NEVER_MS)
    spoken = encoding.decoded(encoding.encoded(np.arange(-rate // 50, rate // 50, dtype=np.int16) * 8))
    ear.hear(encoding.encoded(spoken))
    frames = await rest(ear)
    assert [(frame.sample_rate, frame.samples_per_channel, frame.num_channels) for frame in frames] == [
        (rate, rate // 50, 1)
    ] * 2
    assert sound(frames) == spoken.tolist()


@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 700), max_size=12))
def test_payloads_of_any_length_are_joined(lengths: list[int]) -> None:
    """Only what is short of a frame at the very end is not given."""
    said = np.random.default_rng(1).integers(0, 256, sum(lengths), np.uint8).tobytes()

    async def heard() -> list[int]:
        ear, place = Ear(quiet_ms=NEVER_MS, longest_wait_ms=NEVER_MS), 0
        for length in lengths:
            ear.hear(said[place : place + length])
            place += length
        return sound(await rest(ear))

    assert asyncio.run(heard()) == MULAW.decoded(said[: len(said) // 160 * 160]).tolist()


@pytest.mark.parametrize("at_once", [True, False])
async def test_when_nobody_reads_the_oldest_is_dropped(at_once: bool) -> None:
    """Whether it comes bit by bit or as one huge payload."""
    ear = Ear(quiet_ms=NEVER_MS, longest_wait_ms=100)
    payloads = [bytes([number]) * 160 for number in range(100)]
    if at_once:
        ear.hear(b"half a frame")
    for payload in [b"".join(payloads)] if at_once else payloads:
        ear.hear(payload)
    frames = await rest(ear)
    assert sound(frames) == MULAW.decoded(b"".join(payloads[-5:])).tolist()
    assert ear.dropped_frames == 95


async def test_odd_payloads_of_16_bits_do_not_turn_speech_into_noise() -> None:
    """Half a sample is dropped where it stands."""
    ear = Ear(L16_LITTLE, quiet_ms=NEVER_MS)
    loud = np.full(160, 1000, np.int16)
    for _ in range(4):
        ear.hear(L16_LITTLE.encoded(loud) + b"\x07")
    assert set(sound(await rest(ear))) == {1000}


async def test_a_carrier_that_says_nothing_is_heard_as_silence() -> None:
    """Otherwise a turn would never end; sound that comes again is heard as it is."""
    ear = Ear(quiet_ms=20)
    silent = [await anext(ear) for _ in range(5)]
    assert set(sound(silent)) == {0}
    ear.hear(b"\x01" * 160)
    assert sound([await anext(ear)]) == MULAW.decoded(b"\x01" * 160).tolist()


async def test_no_silence_is_put_between_words() -> None:
    """A connection that stood still brings the rest of the sentence: it waits anew after each sound."""
    ear = Ear(quiet_ms=1500)
    for number in range(3):
        reading = asyncio.ensure_future(anext(ear))
        await asyncio.sleep(0.6)
        assert not reading.done()
        ear.hear(bytes([number]) * 160)
        assert sound([await reading]) == MULAW.decoded(bytes([number]) * 160).tolist()


async def test_while_it_is_detached_it_is_deaf() -> None:
    """And silent: nothing waits for a session that listens again."""
    ear = Ear(quiet_ms=0)
    ear.hear(b"\x01" * 160)
    ear.on_detached()
    ear.hear(b"\x02" * 160)
    reading = asyncio.ensure_future(anext(ear))
    done, _ = await asyncio.wait([reading], timeout=0.1)
    assert not done
    ear.on_attached()
    assert set(sound([await reading])) == {0}
    ear.hear(b"\x03" * 160)
    assert sound(await rest(ear)) == MULAW.decoded(b"\x03" * 160).tolist()


async def test_the_end_is_the_end() -> None:
    """For one who waits, and for one who asks again; what comes after it is not heard."""
    ear = Ear(quiet_ms=NEVER_MS)
    reading = asyncio.ensure_future(anext(ear))
    await asyncio.sleep(0)
    ear.end()
    with pytest.raises(StopAsyncIteration):
        await reading
    ear.hear(b"\x01" * 160)
    with pytest.raises(StopAsyncIteration):
        await anext(ear)


async def test_a_reader_that_is_cancelled_loses_nothing() -> None:
    """The session changes its reader when its input changes."""
    ear = Ear(quiet_ms=NEVER_MS)
    reading = asyncio.ensure_future(anext(ear))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    ear.hear(b"\x01" * 160)
    assert len(await rest(ear)) == 1
