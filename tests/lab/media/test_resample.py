"""Sample rates in a live stream."""

from __future__ import annotations

import numpy as np
import pytest

from lab.media.resample import Resampler
from tests.lab.media.test_codec import tone


@pytest.mark.parametrize(("in_rate", "out_rate"), [(8000, 48000), (48000, 8000), (16000, 24000), (48000, 16000)])
def test_a_stream_keeps_pitch_level_and_length(in_rate: int, out_rate: int) -> None:
    """Frame by frame as well as at once, and hardly anything is held back."""
    stream = Resampler(in_rate, out_rate)
    frames = tone(440, in_rate).reshape(-1, in_rate // 50)
    early = [stream.process(frame) for frame in frames]
    assert len(early[0]) >= 0.9 * out_rate // 50
    out = np.concatenate([*early, stream.process(np.zeros(0, np.int16), last=True)])
    assert len(out) == pytest.approx(out_rate, rel=0.01)
    assert abs(int(np.abs(np.fft.rfft(out[:out_rate])).argmax()) - 440) <= 2
    assert np.std(out) == pytest.approx(np.std(frames), rel=0.1)


def test_equal_rates_change_nothing() -> None:
    """The very samples come back."""
    sound = tone(440, 8000)
    assert Resampler(8000, 8000).process(sound) is sound
