"""Balance, capacity and prices (D:account/balance, D:account/concurrency, D:account/channel-subscriptions)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.vobiz.errors import plain_error
from lab.vobiz.times import now, written

if TYPE_CHECKING:
    from lab.vobiz.account import Account

Row = dict[str, Any]
PRICES = {"concurrent_calls": 499, "cps": 1299}
"""Rupees a month for each (the India rate card of 2 October 2026)."""
MAX_QUANTITY = 10_000
_MONTH = timedelta(days=30)


def balance(account: Account, currency: str) -> Row:
    """Return the balance in a currency; the account has rupees only. Raises AccountError."""
    if currency != "INR":
        raise plain_error(404, "not_found", f"no balance in {currency}")
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, account.auth_id)),
        "account_id": account.auth_id,
        "currency": currency,
        "balance": account.balance,
        "reserved_funds": 0,
        "promotional_balance": 0,
        "promotional_reserved_balance": 0,
        "available_balance": account.balance,
        "credit_limit": 0,
        "is_postpaid": False,
        "credit_limit_type": "none",
        "low_balance_threshold": 100,
        "status": "active",
        "created_at": account.created_at,
        "updated_at": now(),
    }


def concurrency(account: Account) -> Row:
    """Return how many calls are live, and how many may be."""
    live, most = len(account.live), account.concurrent_calls_limit
    return {
        "account_id": account.auth_id,
        "concurrent_calls": live,
        "max_concurrent": most,
        "utilization_pct": round(100 * live / most, 2) if most else 0,
        "request_id": str(uuid.uuid4()),
    }


def preview(resource_type: str, quantity: Any) -> Row:
    """Return what capacity would cost a month, as decimal text. Raises AccountError."""
    price, count = _priced(resource_type, quantity)
    total = f"{price * count:.2f}"
    bracket = {"units": count, "unit_price": f"{price:.2f}", "subtotal": total}
    return {
        "resource_type": resource_type,
        "quantity": count,
        "monthly_cost": total,
        "currency": "INR",
        "breakdown": [bracket],
    }


def subscribe(account: Account, body: Mapping[str, Any]) -> Row:
    """Buy capacity; the first month is paid at once. Raises AccountError."""
    price, count = _priced(body.get("resource_type"), body.get("quantity"))
    if price * count > account.balance:
        raise plain_error(400, "invalid request", "balance is too low")
    account.pay(-price * count, f"capacity: {count} {body['resource_type']}")
    at = datetime.now(UTC)
    row = {
        "id": str(uuid.uuid4()),
        "account_id": 500025,
        "resource_type": body["resource_type"],
        "quantity": count,
        "monthly_cost": f"{price * count:.2f}",
        "currency": "INR",
        "status": "active",
        "last_billing_date": written(at),
        "next_billing_date": written(at + _MONTH),
        "purchased_at": written(at),
        "cancelled_at": None,
        "cancellation_reason": None,
        "is_active": True,
        "created_at": written(at),
        "updated_at": written(at),
    }
    account.subscriptions[row["id"]] = row
    return row


def _priced(resource_type: Any, quantity: Any) -> tuple[int, int]:
    if resource_type not in PRICES:
        raise plain_error(400, "invalid request", f"resource_type must be one of {', '.join(PRICES)}")
    if type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY:
        raise plain_error(400, "invalid request", f"quantity must be from 1 to {MAX_QUANTITY}")
    return PRICES[resource_type], quantity
