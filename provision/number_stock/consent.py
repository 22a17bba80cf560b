"""Asking a person on the terminal before something costs money."""

import sys
from typing import TextIO

from telephony.errors import UserError


class NobodyToAskError(UserError):
    """There is no terminal, and nobody said yes beforehand."""

    def __init__(self) -> None:
        super().__init__("nothing was changed: give --yes, since nobody can be asked here")


def consent(question: str, *, yes: bool, answers: TextIO | None = None, told: TextIO | None = None) -> bool:
    """Return whether somebody agrees; only ``y`` and ``yes`` do.

    `yes` is their word beforehand, so nobody is asked. The question goes to standard error, since standard output may
    be read by a program.

    Raises:
        NobodyToAskError: standard input is no terminal.
    """
    if yes:
        return True
    answers, told = answers or sys.stdin, told or sys.stderr
    if not answers.isatty():
        raise NobodyToAskError
    told.write(f"{question} [y/N] ")
    told.flush()
    return answers.readline().strip().lower() in ("y", "yes")
