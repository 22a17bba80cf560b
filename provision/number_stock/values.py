"""Numbers of the account and of the inventory as values. Amounts are the carrier's, without taxes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

RELEASING = ("pending_release", "released")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A number (E.164) of the account.

    `trunk` and `application` name what its calls go to, "" when nothing; `blockers` say why it cannot take calls, in
    words. `monthly_fee` is None when the carrier does not tell it.
    """

    number: str
    region: str = ""
    status: str = ""
    trunk: str = ""
    application: str = ""
    blockers: tuple[str, ...] = ()
    monthly_fee: float | None = None
    currency: str = ""
    commitment_months: int = 0

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """What its calls go to, in words."""
        named = (("trunk", self.trunk), ("application", self.application))
        return tuple(f"{kind} {name}" for kind, name in named if name)

    @property
    def is_leaving(self) -> bool:
        """Whether it has been released already and only its cool-off runs."""
        return self.status in RELEASING

    def to_dict(self) -> dict[str, Any]:
        """Return the number as JSON values."""
        return asdict(self) | {"blockers": list(self.blockers)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A number that can be bought. A price is None when the carrier does not tell it."""

    number: str
    region: str = ""
    setup_fee: float | None = None
    monthly_fee: float | None = None
    currency: str = ""
    commitment_months: int = 0
    needs_aadhaar: bool = False
    voice: bool = True

    @property
    def price(self) -> tuple[float | None, float | None, str, int]:
        """What a buyer agrees to."""
        return self.setup_fee, self.monthly_fee, self.currency, self.commitment_months

    def to_dict(self) -> dict[str, Any]:
        """Return the offer as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Some offers that fit; `has_more` when the inventory goes on behind them."""

    offers: tuple[Offer, ...]
    has_more: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the offers as JSON values."""
        return {"numbers": [offer.to_dict() for offer in self.offers], "has_more": self.has_more}


How = Literal["answer", "reading"]
"""How it is known: the carrier's answer, or what the account said after an answer was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A number that is the account's now."""

    offer: Offer
    known_by: How

    def to_dict(self) -> dict[str, Any]:
        """Return the purchase as JSON values."""
        return {"bought": True, "known_by": self.known_by, "number": self.offer.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A number that was given back, or whose cool-off runs.

    `fee` is None and `ends_at` "" where the carrier's answer was lost or does not tell them. `was_before` says that it
    had been released earlier and nothing was sent.
    """

    number: str
    status: str
    fee: float | None = None
    ends_at: str = ""
    known_by: How = "answer"
    was_before: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the release as JSON values."""
        return {"released": True, **asdict(self)}
