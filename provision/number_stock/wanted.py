"""Which numbers somebody looks for: what the carrier is asked, and what of its answer fits. Pure.

The API has one filter for digits anywhere in the number and one for prefixes that are not wanted; where a number
begins, and where it belongs, is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import phonenumbers

from provision.number_stock.values import Offer
from telephony.errors import UserError
from telephony.numbers import CARRIER_REGION

_CITIES: Final = {
    "11": "Delhi",
    "20": "Pune",
    "22": "Mumbai",
    "33": "Kolkata",
    "40": "Hyderabad",
    "44": "Chennai",
    "79": "Ahmedabad",
    "80": "Bengaluru, Bangalore",
}
"""The area codes of two digits (National Numbering Plan of India, 2003), in the names that people look for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a number should be like; empty texts want nothing.

    `prefix` is how it begins: national (``80``, ``080``) or international (``+9180``). `contains` are digits anywhere.
    `area` is a part of the region as the carrier names it (Karnataka) or of a city with an area code of two digits
    (Bengaluru). `exclude` are prefixes like `prefix`.

    Raises:
        UserError: an unknown country, or a text that has no digits where digits are wanted.
    """

    country: str = CARRIER_REGION
    prefix: str = ""
    contains: str = ""
    area: str = ""
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not phonenumbers.country_code_for_region(self.country):
            raise UserError(f"{self.country!r} is no country; write two letters, like {CARRIER_REGION}")
        for prefix in (self.prefix, *self.exclude):
            if prefix:
                self._international(prefix)
        _digits(self.contains)

    def query(self) -> dict[str, str]:
        """Return what the carrier is asked; of two texts of digits, the one that leaves less."""
        asked = {"country": self.country}
        digits = max(self._begins(), _digits(self.contains), key=len)
        if digits:
            asked["search"] = digits
        if self.exclude:
            asked["exclude"] = ",".join(self._international(prefix) for prefix in self.exclude)
        return asked

    def fits(self, offer: Offer) -> bool:
        """Say whether an offer is one of those."""
        digits = offer.number.removeprefix("+")
        return (
            digits.startswith(self._begins())
            and _digits(self.contains) in digits
            and not any(digits.startswith(self._international(prefix)) for prefix in self.exclude)
            and (not self.area or self._is_there(offer))
        )

    def _begins(self) -> str:
        return self._international(self.prefix) if self.prefix else ""

    def _international(self, prefix: str) -> str:
        digits = _digits(prefix)
        if not digits.lstrip("0"):
            raise UserError(f"{prefix!r} is no beginning of a number; write it like 80 or +9180")
        if prefix.strip().startswith("+"):
            return digits
        return f"{phonenumbers.country_code_for_region(self.country)}{digits.lstrip('0')}"

    def _is_there(self, offer: Offer) -> bool:
        wanted = self.area.casefold()
        return wanted in offer.region.casefold() or wanted in _city(offer.number).casefold()


def _digits(text: str) -> str:
    bare = "".join(char for char in text if char not in "+ -()")
    if bare and not (bare.isascii() and bare.isdigit()):
        raise UserError(f"{text!r} has other characters than digits")
    return bare


def _city(number: str) -> str:
    """Return the names of the city of an area code, "" when it is not one of the eight."""
    return next((names for code, names in _CITIES.items() if number.startswith(f"+91{code}")), "")
