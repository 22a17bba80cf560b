"""The edge that reads: the account's numbers and the inventory, over Vobiz's REST API.

Paths and answers: https://www.vobiz.ai/docs/account-phone-number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeVar

import phonenumbers
from pydantic import BaseModel, ValidationError

from provision.number_stock.errors import NotForSaleError, NotOwnedError
from provision.number_stock.rows import StockRow
from provision.number_stock.values import Found, Offer, Owned
from provision.number_stock.wanted import Wanted
from provision.vobiz_http import VobizHttp
from provision.vobiz_json import ApplicationRow, Page, TrunkRow
from telephony.numbers import CARRIER_REGION

_PER_PAGE: Final = 100
_Row = TypeVar("_Row", bound=BaseModel)


class Stock:
    """The numbers of one account, and what is for sale.

    Every method may raise AccessDeniedError, UnreachableError and RefusedError (`provision.errors`).
    """

    def __init__(self, http: VobizHttp) -> None:
        self.http = http

    async def numbers(self) -> tuple[Owned, ...]:
        """Return the account's numbers, sorted, with the names of what they hang on."""
        return await self._named([self.row(StockRow, row) for row in await self.http.rows_by_page("numbers")])

    async def search(self, wanted: Wanted, *, limit: int) -> Found:
        """Return the first offers that fit, in the carrier's order."""
        offers: list[Offer] = []
        async for offer in self._inventory(wanted):
            if len(offers) == limit:
                return Found(offers=tuple(offers), has_more=True)
            offers.append(offer)
        return Found(offers=tuple(offers), has_more=False)

    async def offer(self, number: str) -> Offer:
        """Return a number (E.164) that is for sale.

        Raises:
            NotForSaleError: it is the account's already, or not in the inventory, or without a price.
        """
        wanted = Wanted(country=_country(number), prefix=number)
        found = [offer async for offer in self._inventory(wanted) if offer.number == number]
        if not found:
            is_owned = await self.find(number) is not None
            raise NotForSaleError(number, "the account has it already" if is_owned else "it is not in the inventory")
        if found[0].setup_fee is None or found[0].monthly_fee is None:
            raise NotForSaleError(number, "the carrier does not tell its price; buy it in the console")
        return found[0]

    async def owned(self, number: str) -> Owned:
        """Return a number (E.164) of the account.

        Raises:
            NotOwnedError: it has no such number.
        """
        row = await self.find(number)
        if row is None:
            raise NotOwnedError(number)
        (owned,) = await self._named([row])
        return owned

    async def find(self, number: str) -> StockRow | None:
        """Return a number (E.164) of the account as it is listed now, None when it is not."""
        rows = await self.http.rows_by_page("numbers", search=number.removeprefix("+"))
        found = (self.row(StockRow, row) for row in rows)
        return next((row for row in found if row.number == number), None)

    def row(self, model: type[_Row], row: Any) -> _Row:
        """Read an object of an answer. Raises UnreachableError when it has another form than documented."""
        try:
            return model.model_validate(row)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in detail["loc"]) for detail in error.errors())
            told = f"an answer with another form than documented ({fields or 'no object'})"
            raise self.http.strange(told) from None

    async def _inventory(self, wanted: Wanted) -> AsyncIterator[Offer]:
        """Read page after page: whoever has seen enough leaves the others alone."""
        number = seen = 0
        while True:
            number += 1
            page = await self._inventory_page(wanted, number)
            seen += len(page.rows)
            for row in page.rows:
                offer = self.row(StockRow, row).offer()
                if wanted.fits(offer):
                    yield offer
            if page.is_last(seen=seen, asked=_PER_PAGE):
                return

    async def _inventory_page(self, wanted: Wanted, number: int) -> Page:
        params: dict[str, str | int] = {**wanted.query(), "page": number, "per_page": _PER_PAGE}
        return await self.http.page(("inventory", "numbers"), params, name="the inventory")

    async def _named(self, rows: Sequence[StockRow]) -> tuple[Owned, ...]:
        """Read the names of trunks and applications only where numbers hang on some."""
        trunks: dict[str, str] = {}
        applications: dict[str, str] = {}
        if any(row.trunk_group_id for row in rows):
            for given in await self.http.rows_by_offset("trunks"):
                trunk = self.row(TrunkRow, given)
                trunks[trunk.trunk_id] = trunk.name
        if any(row.application_id for row in rows):
            for given in await self.http.rows_by_offset("Application", slash=True):
                application = self.row(ApplicationRow, given)
                applications[application.app_id] = application.app_name
        return tuple(sorted((row.owned(trunks, applications) for row in rows), key=lambda owned: owned.number))


def _country(number: str) -> str:
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return region if region and len(region) == len(CARRIER_REGION) and region.isalpha() else CARRIER_REGION
