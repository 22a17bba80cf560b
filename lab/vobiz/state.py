"""The whole account as JSON, to count it, to keep it, to put it back."""

from collections.abc import Mapping
from typing import Any

from lab.vobiz.account import Account
from telephony.errors import UserError

_FAMILIES = ("trunks", "numbers", "inventory", "credentials", "ip_acls", "uris", "applications", "subscriptions")


class StateError(UserError):
    """A state that cannot be put into the account."""


def dump(account: Account) -> dict[str, Any]:
    """Return what the account owns: every family as a dict of rows by id. Keys of the API are left out."""
    families: dict[str, Any] = {name: getattr(account, name) for name in _FAMILIES}
    return families | {
        "auth_id": account.auth_id,
        "releasing": account.releasing,
        "balance": account.balance,
        "transactions": account.transactions,
        "live_calls": [call.shown() for call in account.live.values()],
    }


def load(account: Account, state: Mapping[str, Any]) -> None:
    """Replace the families that `state` names, all of them or none; live calls stay as they are. Raises StateError."""
    unknown = state.keys() - {*_FAMILIES, "auth_id", "releasing", "balance", "transactions", "live_calls"}
    if unknown:
        raise StateError(f"a state has no {', '.join(sorted(unknown))}")
    for name in (*_FAMILIES, "releasing"):
        rows = state.get(name, {})
        in_rows = rows.values() if isinstance(rows, dict) and name in _FAMILIES else ()
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in in_rows):
            raise StateError(f"{name} must be an object of objects by id")
    for name in (*_FAMILIES, "releasing"):
        if name in state:
            fresh = {key: dict(row) if isinstance(row, dict) else row for key, row in state[name].items()}
            rows = getattr(account, name)
            rows.clear()
            rows.update(fresh)
    for e164, row in account.numbers.items():
        row.setdefault("e164", e164)
    account.balance = float(state.get("balance", account.balance))
    account.transactions[:] = state.get("transactions", account.transactions)
    account.late.forget()
    account.rebuild_index()
