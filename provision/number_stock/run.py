"""What the commands call, with the carrier opened and closed around it. No printing, no asking.

All raise AccessDeniedError, UnreachableError and RefusedError of `provision.errors`; no error tells the key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import SecretStr

from provision.number_stock import trade
from provision.number_stock.stock import Stock
from provision.number_stock.values import Bought, Found, Offer, Owned, Released
from provision.number_stock.wanted import Wanted
from provision.vobiz_http import VobizHttp
from telephony.errors import UserError
from telephony.numbers import parse_number

DEFAULT_LIMIT = 25


class CarrierKey(Protocol):
    """Where the carrier is and what opens it; `provision.settings.ProvisionSettings` is one."""

    @property
    def vobiz_base_url(self) -> str:
        """The API's address."""
        ...

    @property
    def vobiz_auth_id(self) -> str:
        """The account."""
        ...

    @property
    def vobiz_auth_token(self) -> SecretStr:
        """Its key."""
        ...

    @property
    def tell(self) -> Callable[[str], None] | None:
        """What gets a line for the user while the carrier has to be waited for."""
        ...


@asynccontextmanager
async def opened(key: CarrierKey) -> AsyncIterator[Stock]:
    """Open the carrier for as long as the block lasts."""
    http = VobizHttp(key.vobiz_base_url, key.vobiz_auth_id, key.vobiz_auth_token, tell=key.tell)
    try:
        yield Stock(http)
    finally:
        await http.aclose()


async def list_numbers(key: CarrierKey) -> tuple[Owned, ...]:
    """Return the account's numbers, sorted."""
    async with opened(key) as stock:
        return await stock.numbers()


async def search_numbers(wanted: Wanted, key: CarrierKey, *, limit: int = DEFAULT_LIMIT) -> Found:
    """Return the first numbers for sale that fit.

    Raises:
        UserError: a limit below 1.
    """
    if limit < 1:
        raise UserError(f"a limit of {limit} finds nothing; write a number from 1 up")
    async with opened(key) as stock:
        return await stock.search(wanted, limit=limit)


async def find_offer(number: str, key: CarrierKey) -> Offer:
    """Return what a number costs, in any Indian form or E.164: what a person sees before saying yes.

    Raises:
        NumberError: no number. NotForSaleError: it cannot be bought.
    """
    async with opened(key) as stock:
        return await stock.offer(parse_number(number))


async def buy_number(agreed: Offer, key: CarrierKey) -> Bought:
    """Buy what a person said yes to. Raises what `provision.number_stock.trade.buy` does."""
    async with opened(key) as stock:
        return await trade.buy(stock, agreed)


async def find_owned(number: str, key: CarrierKey, *, force: bool = False) -> Owned:
    """Return a number that may be released: what a person sees before saying yes.

    Raises:
        NumberError: no number. NotOwnedError: the account does not have it. StillRoutedError: its calls go somewhere,
            and `force` does not say that this is meant.
    """
    async with opened(key) as stock:
        owned = await stock.owned(parse_number(number))
    if not owned.is_leaving:
        trade.check_free(owned, force=force)
    return owned


async def release_number(owned: Owned, key: CarrierKey, *, immediate: bool = False, force: bool = False) -> Released:
    """Give back what a person said yes to. Raises what `provision.number_stock.trade.release` does."""
    async with opened(key) as stock:
        return await trade.release(stock, owned.number, immediate=immediate, force=force)
