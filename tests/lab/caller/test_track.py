"""Sound and audible times of one direction."""

from __future__ import annotations

import numpy as np

from lab.caller.loudness import is_audible
from lab.caller.track import Track

LOUD = np.full(160, 3000, np.int16)
FAINT = np.full(160, 100, np.int16)


def test_audible_is_louder_than_45_db_below_full_scale() -> None:
    """-45 dBFS is an RMS of 184."""
    assert is_audible(np.full(160, 190, np.int16))
    assert not is_audible(np.full(160, 180, np.int16))
    assert not is_audible(np.zeros(160, np.int16))


def test_frames_stand_where_their_timestamps_say() -> None:
    """Arrivals jitter, the sound does not; times of audible packets are those of arrival."""
    track = Track(sample_rate=8000)
    for place, late_s in enumerate((0.0, 0.015, 0.003)):
        assert track.add(LOUD, timestamp=2**32 - 160 + place * 160 & 0xFFFFFFFF, at_s=10 + 0.02 * place + late_s)
    assert not track.add(FAINT, timestamp=320, at_s=10.06)
    sound = track.sound(9.99, 10.09)
    assert len(sound) == 800
    assert (sound[:80] == 0).all()
    assert (sound[80:560] == 3000).all()
    assert (sound[560:720] == 100).all()
    assert (sound[720:] == 0).all()
    assert list(track.audible_s) == [10, 10.035, 10.043]
    assert track.first_audible_from(10.01) == 10.035
    assert track.last_audible_until(10.04) == 10.035
    assert track.first_audible_from(11) is None
    assert track.last_audible_until(9) is None


def test_a_sender_that_begins_anew_is_placed_by_its_arrival() -> None:
    """A jump of the timestamp without a jump of the time is a new stream."""
    track = Track(sample_rate=8000)
    track.add(LOUD, timestamp=0, at_s=1.0)
    track.add(LOUD, timestamp=900_000, at_s=1.02)
    assert (track.sound(1.0, 1.04) == 3000).all()


def test_a_part_of_the_sound_can_be_cut_out() -> None:
    """Edges that lie inside a frame are cut there."""
    track = Track(sample_rate=8000)
    track.add(LOUD, timestamp=0, at_s=1.0)
    assert (track.sound(1.005, 1.015) == 3000).all()
    assert len(track.sound(2.0, 1.0)) == 0


def test_without_keeping_only_times_are_known() -> None:
    """For load: the figures stay, the sound does not."""
    track = Track(sample_rate=8000, keep=False)
    assert track.add(LOUD, timestamp=0, at_s=1.0)
    assert (track.sound(1.0, 1.02) == 0).all()
    assert track.last_audible_s == 1.0
