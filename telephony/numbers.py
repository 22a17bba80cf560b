"""Phone numbers: from what people and carriers write to E.164, and back to the forms a carrier may send.

Vobiz writes the same Indian number as ``+91…``, ``91…`` or ``0…`` depending on the place (webhook, SIP From, CDR), so
everything is normalised at the border and compared only in E.164.
"""

import re
from typing import Final

import phonenumbers

from telephony.errors import UserError

CARRIER_REGION: Final = "IN"
CARRIER_EXIT_CODE: Final = "00"
"""International prefix dialled in India (ITU-T E.164 supplement; confirmed by libphonenumber's metadata)."""

_WRITTEN = re.compile(r"\+?[0-9 ().\-]+", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class NumberError(UserError):
    """A text that is no phone number."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        self.reason = reason
        super().__init__(f"{text!r} is not a phone number: {reason}")


def parse_number(text: str, *, region: str = CARRIER_REGION) -> str:
    """Return the E.164 form of a number, e.g. ``+918071000001``.

    Accepts ``+91…``, ``91…``, ``0…``, ``00 91…`` and the bare national number, with spaces, dots, dashes and
    parentheses; a number without country code belongs to `region` (ISO 3166).

    Raises:
        NumberError: other characters (letters, digits outside ASCII), a wrong length, or a range that no operator of
            that country uses.
    """
    stripped = text.strip(" ")
    if not _WRITTEN.fullmatch(stripped):
        raise NumberError(text, "write it with the digits 0-9, like +918071000001")
    try:
        number = phonenumbers.parse(stripped, region)
    except phonenumbers.NumberParseException as error:
        raise NumberError(text, "write it with country code, like +918071000001") from error
    if not phonenumbers.is_possible_number(number):
        raise NumberError(text, _wrong_length(number))
    if not phonenumbers.is_valid_number(number):
        raise NumberError(text, f"no such number range in country +{number.country_code}")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_e164(text: str) -> bool:
    """Whether a text is written as E.164 (ITU-T E.164 section 6: plus, at most 15 digits); the range is not checked."""
    return _E164.fullmatch(text) is not None


def carrier_forms(e164: str, *, region: str = CARRIER_REGION) -> tuple[str, ...]:
    """Return every form in which a carrier of `region` may send a number, E.164 first.

    LiveKit matches ``+91…`` with ``91…`` but neither ``0…`` nor ``0091…`` (measured), and a dispatch rule's numbers
    are compared as plain strings, so whoever writes numbers into LiveKit writes all of these.

    Raises:
        NumberError: `e164` is not E.164.
    """
    if not is_e164(e164):
        raise NumberError(e164, "not in the form +918071000001")
    digits = e164[1:]
    forms = [e164, digits, CARRIER_EXIT_CODE + digits]
    country_code = str(phonenumbers.country_code_for_region(region))
    if digits.startswith(country_code):
        national = digits.removeprefix(country_code)
        forms += [f"0{national}", national]
    return tuple(forms)


def _wrong_length(number: phonenumbers.PhoneNumber) -> str:
    too_short = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.TOO_SHORT
    return f"too {'short' if too_short else 'long'} for country +{number.country_code}"
