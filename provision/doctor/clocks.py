"""Whether the clocks agree. Pure.

LiveKit takes a token only in its time, so a clock that is wrong looks like a wrong key. An HTTP Date has whole seconds
(RFC 9110 section 5.6.7), and the way there and back takes time: only what is beyond that counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provision.doctor.facts import Facts, Offset, Server, Unknown
from provision.doctor.finding import Code, Finding, Level, skipped, well

ERROR_S: Final = 30.0
WARNING_S: Final = 5.0
_NTP: Final = "timedatectl set-ntp true"


def check_clocks(facts: Facts) -> Iterator[Finding]:
    """Judge the clocks of both servers against ours."""
    here = "set the clock of this machine by NTP"
    yield _check(Code.CARRIER_CLOCK, facts.carrier, here, "what is signed here may be refused")
    there = "set the clock of LiveKit's machine by NTP"
    mend = there if _agrees(facts.carrier.clock) else here
    yield _check(Code.LIVEKIT_CLOCK, facts.livekit, mend, "tokens are refused as if the key were wrong")


def is_off(offset: Offset) -> bool:
    """Say whether clocks are so far apart that tokens fail."""
    return offset.least_s > ERROR_S


def _agrees(clock: Offset | Unknown) -> bool:
    return isinstance(clock, Offset) and clock.least_s <= WARNING_S


def _check(code: Code, server: Server, mend: str, so: str) -> Finding:
    subject, clock = f"clock of {server.name}", server.clock
    if isinstance(clock, Unknown):
        return skipped(code, subject, clock.reason)
    if clock.least_s <= WARNING_S:
        return well(code, subject, f"It agrees with ours to within {WARNING_S:g} s.")
    level: Level = "error" if is_off(clock) else "warning"
    place = "ahead of" if clock.seconds < 0 else "behind"
    told = f"Our clock is {abs(clock.seconds):,.0f} s {place} it"
    sentence = f"{told}: {so}." if level == "error" else f"{told}."
    return Finding(code=code, level=level, subject=subject, sentence=sentence, mend=mend, command=_NTP)
