"""The edge that writes: buying a number and giving it back.

There are no idempotency keys, so both are sent once. After a lost answer or a 5xx the account is read before anything
is said; a purchase without enough money is answered with 500, not 402
(https://www.vobiz.ai/docs/account-phone-number/purchase-from-inventory).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from provision.errors import OutcomeUnknownError
from provision.number_stock.errors import OfferChangedError, StillRoutedError, StillUnclearError
from provision.number_stock.rows import ReleaseAnswer, StockRow, purchased_number
from provision.number_stock.stock import Stock
from provision.number_stock.values import RELEASING, Bought, Offer, Owned, Released
from provision.vobiz_http import SERVER
from telephony.errors import WorldError

LOOK_WAIT_S: Final = 1.0
"""The first pause between looks at the account after a lost answer; each is twice as long as the one before."""
_LOOKS: Final = 4


async def buy(stock: Stock, agreed: Offer, *, look_wait_s: float = LOOK_WAIT_S) -> Bought:
    """Buy a number at the price that somebody agreed to.

    Raises:
        NotForSaleError, OfferChangedError: nothing was sent.
        StillUnclearError: no answer or a 5xx, and the account does not have the number.
        AccessDeniedError, UnreachableError, RefusedError.
    """
    now = await stock.offer(agreed.number)
    if now.price != agreed.price:
        raise OfferChangedError(agreed, now)
    unclear = await _send_purchase(stock, agreed)
    if unclear is None:
        return Bought(offer=agreed, known_by="answer")
    if await _look(stock, agreed.number, unclear, until=lambda row: row is not None, wait_s=look_wait_s) is None:
        raise StillUnclearError(unclear, f"the account does not have it now{await _money(stock, agreed)}")
    return Bought(offer=agreed, known_by="reading")


async def release(
    stock: Stock, number: str, *, immediate: bool = False, force: bool = False, look_wait_s: float = LOOK_WAIT_S
) -> Released:
    """Give a number (E.164) back: after the cool-off, or at once. Where a cool-off runs already, nothing is sent.

    Raises:
        NotOwnedError, StillRoutedError: nothing was sent. `force` releases a number whose calls go somewhere.
        StillUnclearError: no answer or a 5xx, and the account has the number as before.
        AccessDeniedError, UnreachableError, RefusedError.
    """
    owned = await stock.owned(number)
    if owned.is_leaving and not immediate:
        return Released(number=number, status=owned.status, was_before=True)
    check_free(owned, force=force)
    path, params = stock.http.path("numbers", number), {"immediate": "true"} if immediate else None
    try:
        answer = await stock.http.send("DELETE", path, params=params, what=f"releasing {number}")
    except OutcomeUnknownError as error:
        unclear = error
    else:
        told = stock.row(ReleaseAnswer, answer or {})
        status = told.status or ("released" if immediate else "pending_release")
        return Released(number=number, status=status, fee=told.release_fee, ends_at=told.cooldown_ends_at or "")
    # A cool-off that ran before says nothing about the release that was to be immediate.
    wanted = _is_absent if owned.is_leaving else _is_leaving
    row = await _look(stock, number, unclear, until=wanted, wait_s=look_wait_s)
    if not wanted(row):
        raise StillUnclearError(unclear, "the account has it as before")
    return Released(number=number, status=(row.status or "") if row else "released", known_by="reading")


def check_free(owned: Owned, *, force: bool) -> None:
    """Raise StillRoutedError for a number whose calls go somewhere, unless `force` says that this is meant."""
    if owned.hangs_on and not force:
        raise StillRoutedError(owned)


async def _send_purchase(stock: Stock, agreed: Offer) -> OutcomeUnknownError | None:
    """Send it and return what is unclear about it, None when the answer has the number."""
    body = {"e164": agreed.number} | ({"currency": agreed.currency} if agreed.currency else {})
    what = f"buying {agreed.number}"
    try:
        answer = await stock.http.send(
            "POST", stock.http.path("numbers", "purchase-from-inventory"), body=body, what=what
        )
    except OutcomeUnknownError as error:
        return error
    if purchased_number(answer) == agreed.number:
        return None
    return OutcomeUnknownError(SERVER, what, "an answer without the number")


async def _look(
    stock: Stock,
    number: str,
    unclear: OutcomeUnknownError,
    *,
    until: Callable[[StockRow | None], bool],
    wait_s: float,
) -> StockRow | None:
    """Read the account several times: a list may be behind what was just written."""
    row = None
    for look in range(_LOOKS):
        if look:
            await asyncio.sleep(wait_s * 2 ** (look - 1))
        try:
            row = await stock.find(number)
        except WorldError as error:
            raise StillUnclearError(unclear, f"the account cannot be read now ({error})") from None
        if until(row):
            break
    return row


async def _money(stock: Stock, offer: Offer) -> str:
    """Say what there is to pay with, since too little of it is the usual 500; "" when that cannot be read."""
    currency = offer.currency or "INR"
    try:
        balance = await stock.http.send("GET", stock.http.path("balance", currency), what="the balance")
    except WorldError:
        return ""
    available = balance.get("available_balance") if isinstance(balance, dict) else None
    if not isinstance(available, (int, float)):
        return ""
    price = (offer.setup_fee or 0) + (offer.monthly_fee or 0)
    return f", its balance is {currency} {available:,.2f} and the number costs {price:,.2f} at once"


def _is_absent(row: StockRow | None) -> bool:
    return row is None


def _is_leaving(row: StockRow | None) -> bool:
    return row is None or row.status in RELEASING
