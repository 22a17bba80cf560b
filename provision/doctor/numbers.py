"""Whether the account has the manifest's numbers, and sends their calls where the manifest says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from provision.desired import Desired
from provision.doctor.finding import Code, Finding, counted, or_well
from provision.observed import Observed
from provision.routing.mends import APPLY
from provision.values import Assignment

SUBJECT: Final = "numbers of the manifest"
CODES: Final = (Code.NUMBER_OWNED, Code.NUMBER_BLOCKED, Code.NUMBER_ROUTE)
_LIST: Final = "dialroom numbers list"
_SHOWN: Final = 5


def check_numbers(desired: Desired, stock: Observed) -> Iterator[Finding]:
    """Judge the numbers; those with the same fault stand in one finding."""
    wanted = [value for value in desired.values if isinstance(value, Assignment)]
    owned = {number.number for number in stock.owned_numbers}
    there = [value for value in wanted if value.name in owned]
    checks = (
        (Code.NUMBER_OWNED, _not_owned(value.name for value in wanted if value.name not in owned), "in the account"),
        (Code.NUMBER_BLOCKED, _blocked(there, stock), "not blocked"),
        (Code.NUMBER_ROUTE, _astray(there, stock, desired.deployment), "sent where the manifest says"),
    )
    for code, found, good in checks:
        count = len(wanted) if code is Code.NUMBER_OWNED else len(there)
        yield from or_well(found, code, SUBJECT, f"{counted(count, 'number')}: {good}.")


def _not_owned(names: Iterable[str]) -> Iterator[Finding]:
    missing = list(names)
    if missing:
        yield Finding(
            code=Code.NUMBER_OWNED,
            level="error",
            subject=_subject(missing),
            sentence="The carrier account does not have it."
            if len(missing) == 1
            else "The account does not have them.",
            mend="buy it, or sign in to the account that has it",
            command=f"dialroom numbers buy {missing[0]}" if len(missing) == 1 else _LIST,
        )


def _blocked(there: Sequence[Assignment], stock: Observed) -> Iterator[Finding]:
    names = {value.name for value in there}
    alike: dict[tuple[str, ...], list[str]] = {}
    for number in sorted(stock.owned_numbers):
        if number.blockers and number.number in names:
            alike.setdefault(number.blockers, []).append(number.number)
    for blockers, numbers in alike.items():
        yield Finding(
            code=Code.NUMBER_BLOCKED,
            level="error",
            subject=_subject(numbers),
            sentence=f"No call arrives: {', '.join(blockers)}.",
            mend="ask the carrier",
            command=_LIST,
        )


def _astray(there: Sequence[Assignment], stock: Observed, deployment: str) -> Iterator[Finding]:
    assigned = {seen.value.name: seen for seen in stock.objects if isinstance(seen.value, Assignment)}
    alike: dict[tuple[str, str], list[str]] = {}
    for value in there:
        seen = assigned.get(value.name)
        if seen is None:
            alike.setdefault((f"nowhere instead of to {value.target}", APPLY), []).append(value.name)
        elif isinstance(seen.value, Assignment) and seen.value.target != value.target:
            command = APPLY if seen.stamp == deployment else f"{APPLY} --take-over"
            alike.setdefault((f"to {seen.value.target} instead of to {value.target}", command), []).append(value.name)
    for (where, command), numbers in alike.items():
        yield Finding(
            code=Code.NUMBER_ROUTE,
            level="error",
            subject=_subject(numbers),
            sentence=f"The carrier sends calls {where}.",
            mend="let the carrier send them as the manifest says",
            command=command,
        )


def _subject(numbers: Sequence[str]) -> str:
    """Name some numbers, and say how many others there are."""
    more = len(numbers) - _SHOWN
    rest = f" and {more:,} more" if more > 0 else ""
    word = "number" if len(numbers) == 1 else "numbers"
    return f"{word} {', '.join(numbers[:_SHOWN])}{rest}"
