"""Whether our trunks and applications at the carrier lead where the manifest says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from provision.desired import Desired
from provision.doctor.finding import Code, Finding, Level, counted, or_well
from provision.observed import Observed, Seen
from provision.routing.mends import APPLY
from provision.routing.why_carrier import leads_to
from provision.values import Application, CarrierTrunk

TRUNKS: Final = "carrier trunks of ours"
APPLICATIONS: Final = "carrier applications of ours"
_URI_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SCHEMES: Final = ("sip:", "sips:")


def check_carrier_trunks(desired: Desired, stock: Observed) -> Iterator[Finding]:
    """Judge the trunks that the manifest needs."""
    wanted = [value for value in desired.values if isinstance(value, CarrierTrunk)]
    found = (finding for value in wanted for finding in _trunk(value, _ours(stock, desired, value)))
    good = f"{counted(len(wanted), 'trunk')}: on, and leading where the manifest says."
    yield from or_well(found, Code.CARRIER_TRUNK, TRUNKS, good)


def check_applications(desired: Desired, stock: Observed) -> Iterator[Finding]:
    """Judge the applications of stream routes; nothing without such a route."""
    wanted = [value for value in desired.values if isinstance(value, Application)]
    if not wanted:
        return
    found = (finding for value in wanted for finding in _application(value, _ours(stock, desired, value)))
    good = f"{counted(len(wanted), 'application')}: asking the answer URL of the manifest."
    yield from or_well(found, Code.APPLICATION, APPLICATIONS, good)
    # https://www.vobiz.ai/docs/concepts/validating-callbacks: signed only where a callback URL has credentials
    # configured; no document says how, and no answer of the API shows it.
    yield Finding(
        code=Code.CALLBACK_SIGNATURE,
        level="skipped",
        subject=APPLICATIONS,
        sentence="Not looked at: the API does not tell whether it signs its requests (X-Vobiz-Signature-V3).",
        mend="ask the carrier to sign them; until then, let the answer URL have a part that nobody can guess",
    )


def _ours(stock: Observed, desired: Desired, value: CarrierTrunk | Application) -> list[Seen]:
    return [
        seen
        for seen in stock.objects
        if seen.stamp == desired.deployment and seen.value.kind is value.kind and seen.value.name == value.name
    ]


def _trunk(wanted: CarrierTrunk, there: list[Seen]) -> Iterator[Finding]:
    if not there:
        yield _missing(Code.CARRIER_TRUNK, f"{wanted.kind.value} {wanted.name}")
    for seen in there:
        assert isinstance(seen.value, CarrierTrunk)
        if not seen.value.enabled:
            yield _wrong(Code.CARRIER_TRUNK, seen, "It is disabled: its calls are refused.", "enable it")
        stored, expected = seen.value.inbound_destination, wanted.inbound_destination
        mend = f"let it lead to {expected}"
        if not stored:
            yield _wrong(Code.CARRIER_TRUNK, seen, "It leads nowhere.", mend)
        elif stored.startswith(_SCHEMES):
            sentence = f"Its destination is {stored!r}: with the scheme in it, callers hear 'invalid number'."
            yield _wrong(Code.CARRIER_TRUNK, seen, sentence, mend)
        elif _URI_ID.fullmatch(stored):
            sentence = f"It leads to the origination URI {stored} of the console; the manifest says {expected}."
            yield _wrong(Code.CARRIER_TRUNK, seen, sentence, mend, level="warning")
        elif not leads_to(stored, (expected,)):
            yield _wrong(Code.CARRIER_TRUNK, seen, f"It leads to {stored}; the manifest says {expected}.", mend)


def _application(wanted: Application, there: list[Seen]) -> Iterator[Finding]:
    if not there:
        yield _missing(Code.APPLICATION, f"{wanted.kind.value} {wanted.name}")
    for seen in there:
        assert isinstance(seen.value, Application)
        if seen.value.answer_url != wanted.answer_url:
            sentence = "It asks another answer URL than the manifest's what to do with calls."
            # The URLs may have a secret part, so they are not told.
            yield _wrong(Code.APPLICATION, seen, sentence, "let it ask the manifest's")


def _missing(code: Code, subject: str) -> Finding:
    return Finding(
        code=code,
        level="error",
        subject=subject,
        sentence="It is not there: the calls of its numbers go nowhere.",
        mend="make it",
        command=APPLY,
    )


def _wrong(code: Code, seen: Seen, sentence: str, mend: str, *, level: Level = "error") -> Finding:
    return Finding(code=code, level=level, subject=seen.label, sentence=sentence, mend=mend, command=APPLY)
