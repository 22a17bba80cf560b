"""SIP statuses: known ones by their meaning, unknown ones by their class."""

import pytest

from telephony.sip_status import SipMeaning, meaning, phrase


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (180, SipMeaning.PROGRESS),
        (200, SipMeaning.ANSWERED),
        (302, SipMeaning.MOVED),
        (403, SipMeaning.NOT_ALLOWED),
        (404, SipMeaning.NOT_FOUND),
        (405, SipMeaning.REFUSED),
        (408, SipMeaning.NO_ANSWER),
        (480, SipMeaning.UNAVAILABLE),
        (486, SipMeaning.BUSY),
        (487, SipMeaning.CANCELLED),
        (488, SipMeaning.REFUSED),
        (503, SipMeaning.UNAVAILABLE),
        (599, SipMeaning.FAILED),
        (600, SipMeaning.BUSY),
        (603, SipMeaning.DECLINED),
        (699, SipMeaning.DECLINED),
    ],
)
def test_a_status_has_one_meaning(code, expected):
    """RFC 3261 section 21; an unknown code counts as its class (section 8.1.3.2)."""
    assert meaning(code) is expected


def test_every_meaning_has_words():
    """Every status between 100 and 699 can be told to a person."""
    assert all(phrase(code) for code in range(100, 700))
    assert phrase(486) == "is busy"


@pytest.mark.parametrize("code", [-1, 0, 99, 700])
def test_other_numbers_are_no_status(code):
    """A caller's mistake, not a call's outcome."""
    with pytest.raises(ValueError, match="not a SIP status"):
        meaning(code)
