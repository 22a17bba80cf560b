"""A diagnosis as text for a person. Pure; `Diagnosis.to_dict` is the same for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provision.doctor.finding import Diagnosis, Finding, Level, counted

_RED, _GREEN, _YELLOW, _RESET = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_MARKS: Final[dict[Level, str]] = {"error": "NO", "warning": "!", "ok": "ok", "skipped": "?"}
_TINTS: Final[dict[Level, str]] = {"error": _RED, "warning": _YELLOW, "ok": _GREEN, "skipped": _YELLOW}
_WIDEST_SUBJECT: Final = 28


def render(diagnosis: Diagnosis, *, colour: bool = False) -> str:
    """Return what was looked at, a line each, and below what is not well how it is mended.

    What several findings say alike is told once.
    """
    subjects = (len(finding.subject) for finding in diagnosis.findings)
    width = min(_WIDEST_SUBJECT, max(subjects, default=0))
    told = dict.fromkeys("\n".join(_lines(finding, width, colour=colour)) for finding in diagnosis.findings)
    return "\n".join([*told, "", _sum(diagnosis)]) + "\n"


def _lines(finding: Finding, width: int, *, colour: bool) -> Iterator[str]:
    mark = f"{_MARKS[finding.level]:<2}"
    if colour:
        mark = f"{_TINTS[finding.level]}{mark}{_RESET}"
    yield f"  {mark}  {finding.subject:<{width}}  {finding.sentence}"
    if finding.mend and finding.level != "ok":
        yield f"        To mend it: {finding.mend}"
    if finding.command and finding.level != "ok":
        yield f"          {finding.command}"


def _sum(diagnosis: Diagnosis) -> str:
    counts = diagnosis.counts
    told = [
        counted(counts["error"], "error"),
        counted(counts["warning"], "warning"),
        f"{counts['ok']:,} well",
        f"{counts['skipped']:,} not looked at",
    ]
    return f"Deployment {diagnosis.deployment}: {', '.join(told)}."
