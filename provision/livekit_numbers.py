"""Numbers as LiveKit compares them. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from telephony.numbers import NumberError, carrier_forms, is_e164, parse_number

_SEPARATORS: Final = str.maketrans("", "", "-() ")
_REMEMBERED: Final = 1 << 16


def normal(number: str) -> str:
    """Return the form that LiveKit compares: separators removed, plus sign added (livekit/protocol NormalizeNumber)."""
    digits = number.translate(_SEPARATORS).removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return number
    return f"+{digits}"


def livekit_forms(e164: str) -> tuple[str, ...]:
    """Return the forms of a number that a LiveKit trunk has to list, sorted.

    ``91…`` is the same to LiveKit as ``+91…`` (measured); the other forms that a carrier may send are not.
    """
    forms = carrier_forms(e164)
    return tuple(sorted(form for form in forms if form.startswith("+") or normal(form) not in forms))


@lru_cache(maxsize=_REMEMBERED)
def known_as(form: str) -> str:
    """Return the E.164 number of a form; a text that is no number stays as it is."""
    try:
        return parse_number(form)
    except NumberError:
        return form


def known_numbers(forms: Iterable[str]) -> tuple[str, ...]:
    """Return the numbers behind a trunk's list of forms, sorted, each once.

    Only what is no form of a number that stands there with its plus sign is parsed: of 10,000 numbers in all their
    forms that is a quarter, and parsing is what planning spends its time on.
    """
    listed = set(forms)
    numbers = {known_as(form) for form in listed if form.startswith("+")}
    others = listed.difference(*(carrier_forms(number) for number in numbers if is_e164(number)))
    return tuple(sorted(numbers | {known_as(form) for form in others if not form.startswith("+")}))
