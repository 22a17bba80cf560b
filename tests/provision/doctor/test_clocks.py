"""Clocks: what a Date header tells, and from when on it matters."""

from dataclasses import replace

import pytest

from provision.doctor.clocks import check_clocks
from provision.doctor.dates import offset
from provision.doctor.facts import Offset, Unknown
from tests.provision.doctor.pure import CARRIER, GOOD_CLOCK, LIVEKIT, found, told

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
NOON_S = 1_795_435_200.0
NTP = "timedatectl set-ntp true"


def off(seconds: float, uncertainty_s: float = 0.5) -> Offset:
    return Offset(seconds=seconds, uncertainty_s=uncertainty_s)


@pytest.mark.parametrize(
    ("clock", "level"),
    [
        (off(0), "ok"),
        (off(5.4), "ok"),
        (off(-5.4), "ok"),
        (off(5.6), "warning"),
        (off(-29), "warning"),
        (off(31), "error"),
        (off(-31), "error"),
        (off(31, uncertainty_s=2), "warning"),
        (Unknown("its answer has no Date"), "skipped"),
    ],
)
def test_how_far_apart(clock, level):
    """Beyond what the measurement itself may be wrong by."""
    assert told(found(check_clocks, livekit=replace(LIVEKIT, clock=clock)))[1] == ("livekit_clock", level)
    assert told(found(check_clocks, carrier=replace(CARRIER, clock=clock)))[0] == ("carrier_clock", level)


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s behind it"), (-45, "45 s ahead of it")])
def test_who_is_ahead(seconds, words):
    (_, livekit) = found(check_clocks, livekit=replace(LIVEKIT, clock=off(seconds)))
    assert words in livekit.sentence
    assert livekit.command == NTP


@pytest.mark.parametrize(
    ("carrier", "machine"),
    [(GOOD_CLOCK, "LiveKit's machine"), (off(45), "this machine"), (Unknown("no answer"), "this machine")],
)
def test_whose_clock_is_to_be_set(carrier, machine):
    """When the carrier agrees with us, LiveKit is wrong."""
    given = {"carrier": replace(CARRIER, clock=carrier), "livekit": replace(LIVEKIT, clock=off(45))}
    assert machine in found(check_clocks, **given)[1].mend


def test_a_date_is_compared_with_the_middle_of_the_question():
    """It has whole seconds, so the server's clock is half a second further on average."""
    measured = offset(NOON, before_s=NOON_S - 10, after_s=NOON_S - 8)
    assert measured == Offset(seconds=9.5, uncertainty_s=1.5)


@pytest.mark.parametrize("date", ["", "today", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_what_is_no_date(date):
    assert offset(date, before_s=0, after_s=0) == Unknown("its answer has no Date")


def test_a_date_without_zone_is_universal_time():
    measured = offset(NOON.replace("GMT", "-0000"), before_s=NOON_S, after_s=NOON_S)
    assert measured == Offset(seconds=0.5, uncertainty_s=0.5)
