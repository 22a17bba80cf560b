"""The JSON of the carrier account: limits, balance, load (https://www.vobiz.ai/docs, account and balance). Pure.

Read leniently: everything may be missing. The account's answer holds its secret (`auth_secret`), which is not read.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from provision.doctor.facts import Account, Balance, Load, Unknown

_Model = TypeVar("_Model", bound=BaseModel)
_STRANGE = Unknown("Vobiz answered in another form than documented")


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Tier(_Row):
    currency: str | None = None


class _AccountRow(_Row):
    is_trial_account: bool | None = None
    concurrent_calls_limit: int | None = None
    cps_limit: int | None = None
    pricing_tier: _Tier | None = None


class _BalanceRow(_Row):
    available_balance: float | None = None
    currency: str | None = None
    is_postpaid: bool | None = None
    low_balance_threshold: float | None = None


class _LoadRow(_Row):
    concurrent_calls: int | None = None
    max_concurrent: int | None = None


def read_account(body: Any) -> Account | Unknown:
    """Read the answer of ``GET /auth/me``."""
    row = _read(_AccountRow, body)
    if row is None:
        return _STRANGE
    return Account(
        is_trial=row.is_trial_account,
        calls_limit=row.concurrent_calls_limit,
        cps_limit=row.cps_limit,
        currency=(row.pricing_tier and row.pricing_tier.currency) or "INR",
    )


def read_balance(body: Any, *, currency: str) -> Balance | Unknown:
    """Read the answer of ``GET balance/{currency}``."""
    row = _read(_BalanceRow, body)
    if row is None:
        return _STRANGE
    return Balance(
        available=row.available_balance,
        currency=row.currency or currency,
        is_postpaid=bool(row.is_postpaid),
        low=row.low_balance_threshold,
    )


def read_load(body: Any) -> Load | Unknown:
    """Read the answer of ``GET concurrency``."""
    row = _read(_LoadRow, body)
    return _STRANGE if row is None else Load(live=row.concurrent_calls, most=row.max_concurrent)


def _read(model: type[_Model], body: Any) -> _Model | None:
    try:
        return model.model_validate(body)
    except ValidationError:
        return None
