"""One carrier account in memory: what it owns and where it points. Pure but for clocks and random ids.

The rules of each family stand in files of their own: trunks, sip_objects, numbers, applications.
"""

import time
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

from lab.vobiz import numbers as number_rules
from lab.vobiz import trunks as trunk_rules
from lab.vobiz.errors import AccountError, coded_error, field_error, plain_error
from lab.vobiz.habits import Habits, PutStyle
from lab.vobiz.index import NumberIndex
from lab.vobiz.late import Late
from lab.vobiz.live import LiveCall
from lab.vobiz.times import now

__all__ = ["Account", "AccountError", "coded_error", "field_error", "plain_error"]

Row = dict[str, Any]
BASE_CALLS = 100
"""Enough for a crowd of callers; a new account at Vobiz has 3."""
MAX_FINISHED = 10_000


class Account:
    """The state behind the API, as dicts of rows by id (numbers by E.164).

    Rows may be changed in place, but for where numbers point: `point` keeps the index right. `live` has the calls of
    this moment, `finished` records of those that are over. `habits` says how all of it behaves.
    """

    def __init__(
        self,
        *,
        auth_id: str,
        auth_token: str,
        put_style: PutStyle = "merge",
        habits: Habits | None = None,
        concurrent_calls: int = BASE_CALLS,
    ) -> None:
        self.auth_id = auth_id
        self.auth_token = auth_token
        self.habits = habits or Habits()
        self.put_style = put_style if habits is None else self.habits.put_style
        self.late = Late(habits=self.habits)
        self.trunks: dict[str, Row] = {}
        self.numbers: dict[str, Row] = {}
        self.inventory: dict[str, Row] = {}
        self.credentials: dict[str, Row] = {}
        self.ip_acls: dict[str, Row] = {}
        self.uris: dict[str, Row] = {}
        self.applications: dict[str, Row] = {}
        self.subscriptions: dict[str, Row] = {}
        self.releasing: dict[str, float] = {}
        self.transactions: list[Row] = []
        self.balance = 10_000.0
        self.base_calls = concurrent_calls
        self.live: dict[str, LiveCall] = {}
        self.finished: deque[Row] = deque(maxlen=MAX_FINISHED)
        self.created_at = now()
        self._index = NumberIndex()

    @property
    def put_style(self) -> PutStyle:
        """Whether updates merge or replace; one of the habits."""
        return self.habits.put_style

    @put_style.setter
    def put_style(self, style: PutStyle) -> None:
        self.habits.put_style = style

    @property
    def concurrent_calls_limit(self) -> int:
        """How many calls may be live at once: what the account has, and what it bought."""
        return self.base_calls + self._bought("concurrent_calls")

    def me(self) -> Row:
        """Return the account object (D:account/retrieve-account), which really holds the secret."""
        return {
            "type": "account",
            "id": "500025",
            "auth_id": self.auth_id,
            "auth_secret": self.auth_token,
            "name": "Lotus Dental Clinic",
            "account_type": "standard",
            "country": "IN",
            "timezone": "Asia/Kolkata",
            "enabled": True,
            "is_active": True,
            "is_verified": True,
            "is_trial_account": False,
            "postpaid": False,
            "cps_limit": 1 + self._bought("cps"),
            "base_cps_limit": 1,
            "purchased_cps": self._bought("cps"),
            "concurrent_calls_limit": self.concurrent_calls_limit,
            "base_concurrent_calls_limit": self.base_calls,
            "purchased_concurrent_calls": self._bought("concurrent_calls"),
            "ip_auth_enabled": False,
            "ip_whitelist_rules": {},
            "pricing_tier": {
                "name": "lab",
                "currency": "INR",
                "rate_per_minute": 0.38,
                "billing_increment_seconds": 60,
                "minimum_duration_seconds": 60,
            },
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }

    def add_number(self, e164: str, /, **fields: Any) -> Row:
        """Give the account a number; `fields` stand in for what a healthy number has."""
        self.late.note(number_rules.FAMILY, e164, None)
        row = number_rules.new_row(self.auth_id, e164) | fields | {"e164": e164}
        self.numbers[e164] = row
        self._index.changed()
        for name in ("trunk_group_id", "application_id"):
            self._index.point(e164, name, None, row.get(name))
        return row

    def offer_number(self, e164: str, /, **fields: Any) -> Row:
        """Put a number into the inventory, to be bought."""
        row = number_rules.offered(number_rules.new_row(self.auth_id, e164) | fields)
        self.inventory[e164] = row
        return row

    def numbers_at(self, name: str, target: str) -> list[str]:
        """Return the numbers whose `trunk_group_id` or `application_id` is this one."""
        return self._index.at(name, target)

    def numbers_with(self, text: str) -> list[str]:
        """Return the numbers that contain a text."""
        return self._index.containing(text, self.numbers)

    def point(self, row: Row, name: str, target: str | None) -> None:
        """Set or clear where a number points: `name` is trunk_group_id or application_id."""
        self.late.note(number_rules.FAMILY, row["e164"], row)
        self._index.point(row["e164"], name, row.get(name), target)
        row["updated_at"] = now()
        if target:
            row[name] = target
        else:
            row.pop(name, None)

    def free_numbers(self, name: str, target: str) -> None:
        """Let no number point there any more."""
        for e164 in self.numbers_at(name, target):
            if e164 in self.numbers:
                self.point(self.numbers[e164], name, None)

    def settle_releases(self) -> None:
        """Take the numbers away whose cool-off is over."""
        for e164, ends_s in list(self.releasing.items()):
            if ends_s <= time.time():
                del self.releasing[e164]
                self.numbers.pop(e164, None)
                self._index.changed()

    def pay(self, amount: float, what: str) -> None:
        """Book money in (positive) or out."""
        self.balance = round(self.balance + amount, 2)
        booked = {"id": str(uuid.uuid4()), "amount": amount, "balance_after": self.balance, "currency": "INR"}
        self.transactions.append(booked | {"description": what, "created_at": now()})

    def rebuild_index(self) -> None:
        """Make the index anew, after rows were put in place from outside."""
        self._index = NumberIndex()
        for e164, row in self.numbers.items():
            for name in ("trunk_group_id", "application_id"):
                self._index.point(e164, name, None, row.get(name))

    def create_trunk(self, body: Mapping[str, Any]) -> Row:
        """Make a trunk and return it as an answer shows it. Raises AccountError."""
        return trunk_rules.create(self, body)

    def assign(self, e164: str, body: Mapping[str, Any]) -> None:
        """Point a number at a trunk. Raises AccountError."""
        number_rules.assign(self, e164, body)

    def _bought(self, resource: str) -> int:
        rows = self.subscriptions.values()
        return sum(row["quantity"] for row in rows if row["resource_type"] == resource and row["is_active"])
