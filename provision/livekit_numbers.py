"""Numbers as LiveKit compares them. Pure."""

from collections.abc import Iterable

from telephony.numbers import NumberError, carrier_forms, parse_number


def normal(number: str) -> str:
    """Return the form that LiveKit compares: separators removed, plus sign added (livekit/protocol NormalizeNumber)."""
    bare = "".join(char for char in number if char not in "-() ")
    digits = bare.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return number
    return f"+{digits}"


def livekit_forms(e164: str) -> tuple[str, ...]:
    """Return the forms of a number that a LiveKit trunk has to list, sorted.

    ``91…`` is the same to LiveKit as ``+91…`` (measured); the other forms that a carrier may send are not.
    """
    forms = carrier_forms(e164)
    return tuple(sorted(form for form in forms if form.startswith("+") or normal(form) not in forms))


def known_as(form: str) -> str:
    """Return the E.164 number of a form; a text that is no number stays as it is."""
    try:
        return parse_number(form)
    except NumberError:
        return form


def known_numbers(forms: Iterable[str]) -> tuple[str, ...]:
    """Return the numbers behind a trunk's list of forms, sorted, each once."""
    return tuple(sorted({known_as(form) for form in forms}))
