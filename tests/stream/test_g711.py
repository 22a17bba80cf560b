"""µ-law, bit for bit."""

from __future__ import annotations

import numpy as np

from lab.media.g711 import ULAW_DECODE, ULAW_ENCODE
from stream import g711
from stream.encoding import L16_BIG, L16_LITTLE, MULAW

EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16)
EVERY_CODE = bytes(range(256))


def test_every_sample_is_coded_as_by_the_reference() -> None:
    """All 65,536."""
    assert g711.encoded(EVERY_SAMPLE) == ULAW_ENCODE.tobytes()


def test_every_code_is_read_as_by_the_reference() -> None:
    """All 256; each is its sample's own code again, but for the two zeros."""
    samples = g711.decoded(EVERY_CODE)
    assert samples.dtype == np.int16
    assert samples.tolist() == ULAW_DECODE.tolist()
    assert g711.encoded(samples) == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_both_byte_orders_hold_the_same_sound() -> None:
    """Sixteen bits lose nothing."""
    assert L16_LITTLE.encoded(EVERY_SAMPLE) != L16_BIG.encoded(EVERY_SAMPLE)
    for encoding in (L16_LITTLE, L16_BIG):
        assert encoding.decoded(encoding.encoded(EVERY_SAMPLE)).tolist() == EVERY_SAMPLE.tolist()
    assert L16_BIG.encoded(np.array([258], np.int16)) == b"\x01\x02"


def test_half_a_sample_is_left_out() -> None:
    """The payload after it must not be read askew."""
    assert L16_LITTLE.decoded(b"\x01\x00\x02").tolist() == [1]
    assert L16_LITTLE.decoded(b"\x01").tolist() == []
    assert MULAW.decoded(b"").tolist() == []
