"""Phone numbers: owned, pointed, bought, given back (D:account-phone-number/*, D:trunks/assign-number).

A number may point at a trunk (`trunk_group_id`) and at an Application (`application_id`); who gets the call then is a
habit, since no document says.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lab.vobiz.errors import plain_error
from lab.vobiz.times import now, written

if TYPE_CHECKING:
    from lab.vobiz.account import Account

Row = dict[str, Any]
FAMILY = "numbers"
_ONLY_OWNED = ("account_id", "application_id", "trunk_group_id", "purchased_at", "released_at")


def new_row(account_id: str, e164: str) -> Row:
    """Return a healthy number of an account, which points nowhere yet."""
    made = now()
    return {
        "id": str(uuid.uuid4()),
        "account_id": account_id,
        "e164": e164,
        "country": "IN",
        "region": "Karnataka",
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "status": "active",
        "provider": "",
        "setup_fee": 100,
        "monthly_fee": 500,
        "currency": "INR",
        "voice_enabled": True,
        "tags": [],
        "is_blocked": False,
        "is_trial_number": False,
        "minimum_commitment_months": 0,
        "aadhaar_verification_required": False,
        "aadhaar_verified": False,
        "source": "purchased",
        "purchased_at": made,
        "created_at": made,
        "updated_at": made,
    }


def offered(row: Row) -> Row:
    """Return a number as the inventory shows it."""
    return {name: value for name, value in row.items() if name not in _ONLY_OWNED} | {"source": "inventory"}


def get(account: Account, e164: str) -> Row:
    """Return a number of the account. Raises AccountError."""
    account.settle_releases()
    row = account.numbers.get(e164)
    if row is None:
        raise plain_error(404, "not_found", "number not found in account")
    return row


def assign(account: Account, e164: str, body: Mapping[str, Any]) -> None:
    """Point a number at a trunk. One that points at a trunk already is refused. Raises AccountError."""
    row = get(account, e164)
    trunk_id = body.get("trunk_group_id")
    if not isinstance(trunk_id, str) or trunk_id not in account.trunks:
        raise plain_error(404, "not_found", "trunk not found")
    if row.get("trunk_group_id"):
        raise plain_error(400, "invalid request", "number is already assigned to a trunk")
    if row["status"] in ("pending_release", "released"):
        raise plain_error(400, "invalid request", "number is being released")
    account.point(row, "trunk_group_id", trunk_id)
    if account.habits.assign_clears_application:
        account.point(row, "application_id", None)


def unassign(account: Account, e164: str) -> None:
    """Take a number off its trunk. Raises AccountError."""
    row = get(account, e164)
    if not row.get("trunk_group_id"):
        raise plain_error(400, "invalid request", "number is not assigned to a trunk")
    account.point(row, "trunk_group_id", None)


def attach(account: Account, e164: str, body: Mapping[str, Any]) -> None:
    """Point a number at an Application, in place of another one. Raises AccountError."""
    row = get(account, e164)
    app_id = body.get("application_id")
    if not isinstance(app_id, str) or app_id not in account.applications:
        raise plain_error(404, "not_found", "application not found")
    account.point(row, "application_id", app_id)


def detach(account: Account, e164: str) -> None:
    """Take a number off its Application. Raises AccountError: 404 when it is on none."""
    row = get(account, e164)
    if not row.get("application_id"):
        raise plain_error(404, "not_found", "no application is attached")
    account.point(row, "application_id", None)


def purchase(account: Account, body: Mapping[str, Any]) -> Row:
    """Buy a number of the inventory. Raises AccountError: too little money is a 500 here."""
    e164 = body.get("e164")
    row = account.inventory.get(e164) if isinstance(e164, str) else None
    if row is None:
        raise plain_error(404, "not_found", "number not found in inventory")
    price = row["setup_fee"] + row["monthly_fee"]
    if price > account.balance:
        raise plain_error(500, "internal_server_error", "failed to purchase number")
    account.pay(-price, f"purchase of {row['e164']}")
    del account.inventory[row["e164"]]
    bought = account.add_number(row["e164"], **row | {"account_id": account.auth_id, "source": "purchased"})
    return {"message": "number purchased", "number": bought}


def release(account: Account, e164: str, *, immediate: bool) -> Row:
    """Give a number back, by default after a cool-off that can be cancelled. Raises AccountError."""
    account.settle_releases()
    row = account.numbers.get(e164)
    if row is None:
        raise plain_error(403, "forbidden", "number is not owned by this account")
    account.point(row, "trunk_group_id", None)
    account.point(row, "application_id", None)
    fee = account.habits.release_fee
    account.pay(-fee, f"release of {e164}")
    ends = datetime.now(UTC) + timedelta(seconds=0 if immediate else account.habits.cool_off_s)
    row |= {"status": "pending_release", "updated_at": now()}
    account.releasing[e164] = ends.timestamp()
    account.settle_releases()
    answer = {"message": "number released" if immediate else "number will be released", "release_fee": fee}
    if immediate:
        return answer | {"status": "released", "cooldown_ends_at": written(ends)}
    path = f"/api/v1/account/{account.auth_id}/numbers/{quote(e164, safe='')}/cancel-release"
    return answer | {"status": "pending_release", "cooldown_ends_at": written(ends), "cancel_url": path}


def cancel_release(account: Account, e164: str) -> Row:
    """Keep a number after all; the fee comes back, trunk and Application do not. Raises AccountError."""
    row = get(account, e164)
    if account.releasing.pop(e164, None) is None:
        raise plain_error(400, "invalid request", "number is not being released")
    account.pay(account.habits.release_fee, f"release of {e164} cancelled")
    row |= {"status": "active", "updated_at": now()}
    return {"message": "release cancelled", "number": row}


def search_inventory(account: Account, *, country: str, search: str, exclude: str) -> list[Row]:
    """Return what is for sale: a country, digits anywhere in the number, without these prefixes (commas between)."""
    prefixes = tuple(f"+{prefix.strip().lstrip('+')}" for prefix in exclude.split(",") if prefix.strip())
    wanted = search.strip().lstrip("+")
    return [
        row
        for e164, row in account.inventory.items()
        if (not country or row["country"] == country) and wanted in e164 and not e164.startswith(prefixes or "-")
    ]
