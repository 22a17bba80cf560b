"""What a room's metadata tell: who watches it, and whose consultation it is."""

from __future__ import annotations

import pytest

from telephony.legs import consultation_for, consultation_metadata, is_supervised, supervised_metadata


def test_a_consultation_is_known_by_its_metadata():
    """To the supervisor of the same deployment alone."""
    metadata = consultation_metadata("dialroom-demo", "call-1")
    assert consultation_for(metadata, "dialroom-demo") == "call-1"
    assert consultation_for(metadata, "dialroom-other") is None
    assert not is_supervised(metadata)


@pytest.mark.parametrize(
    "metadata", ["", "{", "[]", "null", "7", supervised_metadata(), '{"dialroom": "consultation", "worker": "w"}']
)
def test_what_others_write_is_no_consultation(metadata):
    """Metadata of a room may be anything."""
    assert consultation_for(metadata, "w") is None
