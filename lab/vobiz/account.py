"""One carrier account in memory: trunks and numbers, and what may be done to them. Pure but for random ids."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

PutStyle = Literal["merge", "replace"]

MAX_NAME = 100
_OPTIONAL = ("credential_uuid", "primary_uri_uuid", "inbound_destination", "pii_entity_types", "webhook_url")
"""Present in an answer only when set."""

_DEFAULTS: dict[str, Any] = {
    "secure": False,
    "trunk_direction": "outbound",
    "concurrent_calls_limit": 10,
    "cps_limit": 2,
    "description": "",
    "transport": "udp",
    "recording": False,
    "enable_transcription": False,
    "pii_redaction": False,
    "webhook_method": "POST",
    "recording_webhook_enabled": False,
}


class AccountError(Exception):
    """A request that the API refuses; `body` is in the shape that this family answers with."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(str(body))


def plain_error(status: int, error: str, message: str) -> AccountError:
    """Return an error as numbers and trunks have it: a code, words, and an id."""
    return AccountError(status, {"api_id": str(uuid.uuid4()), "error": error, "message": message})


def coded_error(status: int, error: str) -> AccountError:
    """Return an error as the resources below trunks have it: words, and the status once more."""
    return AccountError(status, {"error": error, "code": status})


def field_error(field_name: str, message: str, value: Any) -> AccountError:
    """Return an error as the general error page has it, for a field of a wrong value."""
    detail = {"field": field_name, "message": message, "code": "invalid", "value": value}
    error = {"code": "VALIDATION_ERROR", "message": "validation failed", "details": {"errors": [detail]}}
    body = {"status": "error", "error": error, "timestamp": _now(), "requestId": f"req_{secrets.token_hex(6)}"}
    return AccountError(422, body)


@dataclass(kw_only=True)
class Account:
    """The state behind the API. `put_style` is one of the two that Vobiz's documents describe for updates."""

    auth_id: str
    auth_token: str
    put_style: PutStyle = "merge"
    trunks: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_number(self, e164: str, **fields: Any) -> dict[str, Any]:
        """Give the account a number; `fields` stand in for what a healthy number has."""
        self.numbers[e164] = _new_number(self.auth_id, e164) | fields
        return self.numbers[e164]

    def me(self) -> dict[str, Any]:
        """Return the account object, which really holds the secret."""
        return {
            "auth_id": self.auth_id,
            "auth_secret": self.auth_token,
            "name": "Lotus Dental Clinic",
            "cps_limit": 1,
            "concurrent_calls_limit": 3,
            "is_trial_account": False,
            "pricing_tier": {"name": "lab", "currency": "INR", "rate_per_minute": 0.38},
        }

    def create_trunk(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a trunk from either spelling of the documents. Names may repeat. Raises AccountError."""
        fields = _checked(body)
        if not fields.get("name"):
            raise plain_error(400, "invalid request", "name is required")
        trunk_id = str(uuid.uuid4())
        row = _DEFAULTS | {
            "trunk_id": trunk_id,
            "account_id": self.auth_id,
            "trunk_domain": f"{trunk_id[:8]}.sip.vobiz.ai",
            "trunk_status": "active",
            "created_at": _now(),
        }
        self.trunks[trunk_id] = row | fields | {"updated_at": _now()}
        return self.trunk(trunk_id)

    def trunk(self, trunk_id: str) -> dict[str, Any]:
        """Return a trunk as answers show it. Raises AccountError."""
        row = self._row(trunk_id)
        shown = {key: value for key, value in row.items() if key not in _OPTIONAL or value}
        return shown | {"x_undocumented": "answers grow fields"}

    def update_trunk(self, trunk_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a trunk; with the style "replace", what is not sent falls back to its default. Raises AccountError."""
        row, fields = self._row(trunk_id), _checked(body)
        if self.put_style == "replace":
            kept = ("trunk_id", "account_id", "name", "trunk_domain", "trunk_direction", "trunk_status", "created_at")
            row = _DEFAULTS | {key: row[key] for key in kept}
        self.trunks[trunk_id] = row | fields | {"updated_at": _now()}
        return self.trunk(trunk_id)

    def delete_trunk(self, trunk_id: str) -> None:
        """Remove a trunk; its numbers are free then. Raises AccountError."""
        self._row(trunk_id)
        del self.trunks[trunk_id]
        for number in self.numbers.values():
            if number.get("trunk_group_id") == trunk_id:
                del number["trunk_group_id"]

    def assign(self, e164: str, body: Mapping[str, Any]) -> None:
        """Point a number at a trunk. One that points at a trunk already is refused. Raises AccountError."""
        number = self._number(e164)
        trunk_id = body.get("trunk_group_id")
        if not isinstance(trunk_id, str) or trunk_id not in self.trunks:
            raise plain_error(404, "not_found", "trunk not found")
        if number.get("trunk_group_id"):
            raise plain_error(400, "invalid request", "number is already assigned to a trunk")
        number["trunk_group_id"] = trunk_id

    def unassign(self, e164: str) -> None:
        """Take a number off its trunk. Raises AccountError."""
        number = self._number(e164)
        if not number.pop("trunk_group_id", None):
            raise plain_error(400, "invalid request", "number is not assigned to a trunk")

    def _row(self, trunk_id: str) -> dict[str, Any]:
        if trunk_id not in self.trunks:
            raise coded_error(404, "Trunk not found")
        return self.trunks[trunk_id]

    def _number(self, e164: str) -> dict[str, Any]:
        if e164 not in self.numbers:
            raise plain_error(404, "not_found", "number not found in account")
        return self.numbers[e164]


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known fields of a trunk body in the newer spelling. Unknown fields are ignored."""
    fields = {name: body[name] for name in (*_DEFAULTS, *_OPTIONAL, "name") if name in body}
    if "trunk_type" in body and "trunk_direction" not in fields:
        fields["trunk_direction"] = str(body["trunk_type"]).lower()
    if "max_concurrent_calls" in body:
        fields.setdefault("concurrent_calls_limit", body["max_concurrent_calls"])
    _check_choice(fields, "trunk_direction", ("inbound", "outbound"))
    _check_choice(fields, "transport", ("udp", "tcp", "tls"))
    if len(str(fields.get("name", ""))) > MAX_NAME:
        raise field_error("name", f"at most {MAX_NAME} characters", fields["name"])
    limit = fields.get("concurrent_calls_limit", 0)
    if type(limit) is not int or not 0 <= limit <= 1000:
        raise field_error("concurrent_calls_limit", "between 0 and 1000", limit)
    return fields | _status(body)


def _check_choice(fields: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    if name in fields and fields[name] not in choices:
        raise field_error(name, f"one of {', '.join(choices)}", fields[name])


def _status(body: Mapping[str, Any]) -> dict[str, str]:
    """Requests say ``enabled``, answers say ``active``."""
    if body.get("trunk_status") not in (None, "enabled", "disabled"):
        raise field_error("trunk_status", "one of enabled, disabled", body["trunk_status"])
    enabled = body["trunk_status"] == "enabled" if "trunk_status" in body else body.get("enabled")
    if enabled is None:
        return {}
    return {"trunk_status": "active" if enabled else "disabled"}


def _new_number(account_id: str, e164: str) -> dict[str, Any]:
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
        "purchased_at": _now(),
        "created_at": _now(),
        "updated_at": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
