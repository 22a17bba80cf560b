"""What stands in the way of buying a number or giving it back, beside what `provision.errors` has.

WorldError
├── NotForSaleError            the inventory does not have the number, or not with a price
├── OfferChangedError          the price is no longer what was agreed to; nothing was bought
├── NotOwnedError              the account does not have the number
├── StillRoutedError           the number's calls still go somewhere; nothing was released
└── OutcomeUnknownError
    └── StillUnclearError      the answer was lost, and reading the account does not show that it happened
"""

from __future__ import annotations

from provision.errors import RERUN, OutcomeUnknownError
from provision.number_stock.values import Offer, Owned
from telephony.errors import WorldError


class NotForSaleError(WorldError):
    """The number cannot be bought here."""

    def __init__(self, number: str, reason: str) -> None:
        self.number = number
        super().__init__(f"{number} cannot be bought: {reason}")


class OfferChangedError(WorldError):
    """Somebody agreed to another price."""

    def __init__(self, agreed: Offer, now: Offer) -> None:
        self.agreed = agreed
        self.now = now
        super().__init__(f"the price of {now.number} has changed since you saw it; nothing was bought; look again")


class NotOwnedError(WorldError):
    """The account has no such number."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"the account does not have {number}; `dialroom numbers list` shows what it has")


class StillRoutedError(WorldError):
    """Releasing the number would end calls that arrive."""

    def __init__(self, owned: Owned) -> None:
        self.owned = owned
        super().__init__(
            f"{owned.number} hangs on {' and '.join(owned.hangs_on)}; take it off first (out of the manifest, then "
            "`dialroom provision apply`) or give --force; nothing was released"
        )


class StillUnclearError(OutcomeUnknownError):
    """A write was sent once, its answer is no answer, and the account does not show it (`seen` says what it shows)."""

    def __init__(self, cause: OutcomeUnknownError, seen: str) -> None:
        self.server = cause.server
        told = str(cause).removesuffix(f"; {RERUN}")
        WorldError.__init__(self, f"{told}; {seen}; look with `dialroom numbers list` before you try again")
