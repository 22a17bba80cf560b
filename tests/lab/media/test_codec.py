"""Codecs: G.711 bit for bit, G.722 by ear."""

from __future__ import annotations

import numpy as np
import pytest

from lab.media.codec import Codec, Samples

EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16)


def tone(hertz: float, sample_rate: int, seconds: float = 1.0, level: float = 0.3) -> Samples:
    """A sine at `level` of full scale."""
    place = np.arange(int(sample_rate * seconds)) / sample_rate
    return (np.sin(2 * np.pi * hertz * place) * level * 32767).astype(np.int16)


@pytest.mark.parametrize(("name", "law"), [("PCMU", "ulaw"), ("PCMA", "alaw")])
def test_g711_equals_audioop_for_every_sample_and_every_code(name: str, law: str) -> None:
    """Both tables agree with the C code that everybody uses."""
    audioop = pytest.importorskip("audioop")
    codec = Codec(name)
    assert codec.encode(EVERY_SAMPLE) == getattr(audioop, f"lin2{law}")(EVERY_SAMPLE.tobytes(), 2)
    codes = bytes(range(256))
    assert codec.decode(codes).tobytes() == getattr(audioop, f"{law}2lin")(codes, 2)


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_g711_decodes_what_it_encoded(name: str) -> None:
    """Encoding a decoded code gives a code of the same value: the tables are inverse."""
    codec = Codec(name)
    values = codec.decode(bytes(range(256)))
    assert np.array_equal(codec.decode(codec.encode(values)), values)


@pytest.mark.parametrize("name", ["PCMU", "PCMA", "G722"])
def test_a_tone_survives_the_round_trip(name: str) -> None:
    """Frame by frame, the same pitch at about the same level comes out."""
    sender, receiver = Codec(name), Codec(name)
    sound = tone(440, sender.sample_rate)
    frames = sound.reshape(-1, sender.frame_samples)
    payloads = [sender.encode(frame) for frame in frames]
    assert {len(payload) for payload in payloads} == {160}
    heard = np.concatenate([receiver.decode(payload) for payload in payloads])
    assert len(heard) == len(sound)
    spectrum = np.abs(np.fft.rfft(heard))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert np.std(heard) == pytest.approx(np.std(sound), rel=0.1)


def test_rates_and_payload_types_are_those_of_rfc_3551() -> None:
    """G.722 samples at 16 kHz while its RTP clock is 8 kHz."""
    for name, payload_type, rate in (("PCMU", 0, 8000), ("PCMA", 8, 8000), ("G722", 9, 16000)):
        codec = Codec(name)
        assert (codec.payload_type, codec.sample_rate, codec.clock_rate) == (payload_type, rate, 8000)
        assert codec.frame_samples == rate // 50
    assert Codec("PCMU", 96).payload_type == 96
    with pytest.raises(ValueError, match="OPUS"):
        Codec("OPUS")
