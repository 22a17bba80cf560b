"""SIP trunks: what a body may say, what is kept, what an answer shows (D:trunks/create-trunk and beside it)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.vobiz.errors import coded_error, field_error, plain_error
from lab.vobiz.times import now

if TYPE_CHECKING:
    from lab.vobiz.account import Account
    from lab.vobiz.habits import Habits

FAMILY = "trunks"
MAX_NAME = 100
_MAX_LENGTHS = {"name": MAX_NAME, "trunk_domain": 255, "inbound_destination": 255, "description": 500}
_CHOICES = {
    "trunk_direction": ("inbound", "outbound", "both"),
    "transport": ("udp", "tcp", "tls"),
    "webhook_method": ("POST", "GET"),
}
"""`both` is in no current document, but a production client sends it and older answers have it."""
_RANGES = {"concurrent_calls_limit": (0, 1000), "cps_limit": (0, 100)}
_FLAGS = ("secure", "recording", "enable_transcription", "pii_redaction", "recording_webhook_enabled")
_OPTIONAL = (
    "credential_uuid",
    "ipacl_uuid",
    "primary_uri_uuid",
    "fallback_uri_uuid",
    "inbound_destination",
    "pii_entity_types",
    "webhook_url",
)
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
_KEPT_BY_REPLACE = ("trunk_id", "account_id", "name", "trunk_domain", "trunk_direction", "trunk_status", "created_at")
_OWNED = {"credential_uuid": "credentials", "ipacl_uuid": "ip_acls", "primary_uri_uuid": "uris"}


def create(account: Account, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make a trunk from either spelling of the documents; names may repeat. Raises AccountError."""
    fields = _read(body)
    if not fields.get("name"):
        raise plain_error(400, "invalid request", "name is required")
    trunk_id = str(uuid.uuid4())
    row = _DEFAULTS | {
        "trunk_id": trunk_id,
        "account_id": account.auth_id,
        "trunk_domain": f"{trunk_id[:8]}.sip.vobiz.ai",
        "trunk_status": "active",
        "created_at": now(),
    }
    account.late.note(FAMILY, trunk_id, None)
    account.trunks[trunk_id] = _chained(row | fields) | {"updated_at": now()}
    return shown(account.trunks[trunk_id], account.habits)


def shown(row: Mapping[str, Any], habits: Habits) -> dict[str, Any]:
    """Return a trunk as answers show it."""
    trunk = {key: value for key, value in row.items() if key not in _OPTIONAL or value}
    if trunk["trunk_status"] == "active":
        trunk["trunk_status"] = habits.status_word
    older = {
        "trunk_type": str(row["trunk_direction"]).upper(),
        "max_concurrent_calls": row["concurrent_calls_limit"],
        "enabled": row["trunk_status"] == "active",
    }
    if habits.spelling == "older":
        trunk = {k: v for k, v in trunk.items() if k not in ("trunk_direction", "concurrent_calls_limit")}
    if habits.spelling != "newer":
        trunk |= older
    if habits.upper_case:
        trunk |= {key: trunk[key].upper() for key in ("trunk_status", "trunk_direction", "transport") if key in trunk}
    return trunk


def get(account: Account, trunk_id: str) -> dict[str, Any]:
    """Return a trunk as it is kept. Raises AccountError."""
    row = account.trunks.get(trunk_id)
    if row is None:
        raise coded_error(404, "Trunk not found")
    return row


def update(account: Account, trunk_id: str, body: Mapping[str, Any], *, merges: bool = False) -> dict[str, Any]:
    """Change a trunk; with the habit "replace", what is not sent falls back to its default, unless `merges`.

    Raises AccountError.
    """
    row, fields = get(account, trunk_id), _read(body)
    kept = row
    if account.habits.put_style == "replace" and not merges:
        kept = _DEFAULTS | {key: row[key] for key in _KEPT_BY_REPLACE}
    changed = _chained(kept | fields) | {"updated_at": now()}
    account.late.note(FAMILY, trunk_id, row)
    account.trunks[trunk_id] = changed
    return shown(changed, account.habits)


def delete(account: Account, trunk_id: str) -> None:
    """Remove a trunk; its numbers are free then. Raises AccountError: 409 while calls are live on it."""
    row = get(account, trunk_id)
    if any(call.trunk_id == trunk_id for call in account.live.values()):
        raise coded_error(409, "Trunk has active calls")
    del account.trunks[trunk_id]
    account.free_numbers("trunk_group_id", trunk_id)
    if account.habits.delete_cascades:
        for name, family in _OWNED.items():
            getattr(account, family).pop(row.get(name), None)


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known fields of a body in the newer spelling; unknown ones are ignored. Raises AccountError."""
    names = (*_DEFAULTS, *_OPTIONAL, "name", "trunk_domain")
    fields = {name: body[name] for name in names if name in body}
    if "trunk_type" in body and "trunk_direction" not in fields:
        fields["trunk_direction"] = str(body["trunk_type"]).lower()
    if "max_concurrent_calls" in body:
        fields.setdefault("concurrent_calls_limit", body["max_concurrent_calls"])
    _check(fields)
    return fields | _status(body)


def _check(fields: Mapping[str, Any]) -> None:
    for name, choices in _CHOICES.items():
        if name in fields and fields[name] not in choices:
            raise field_error(name, f"one of {', '.join(choices)}", fields[name])
    for name, most in _MAX_LENGTHS.items():
        if len(str(fields.get(name) or "")) > most:
            raise field_error(name, f"at most {most} characters", fields[name])
    for name, (low, high) in _RANGES.items():
        value = fields.get(name, low)
        if type(value) is not int or not low <= value <= high:
            raise field_error(name, f"between {low} and {high}", value)
    for name in _FLAGS:
        if not isinstance(fields.get(name, False), bool):
            raise field_error(name, "true or false", fields[name])
    url = fields.get("webhook_url")
    if url and urlsplit(str(url)).scheme not in ("http", "https"):
        raise plain_error(400, "invalid request", "invalid webhook_url")


def _chained(row: dict[str, Any]) -> dict[str, Any]:
    """Transcription needs recording, redaction needs transcription. Raises AccountError."""
    for name, needed in (("enable_transcription", "recording"), ("pii_redaction", "enable_transcription")):
        if row[name] and not row[needed]:
            raise plain_error(400, "invalid request", f"{name} needs {needed}")
    return row


def _status(body: Mapping[str, Any]) -> dict[str, str]:
    """Requests say ``enabled``, answers say ``active``."""
    if body.get("trunk_status") not in (None, "enabled", "disabled"):
        raise field_error("trunk_status", "one of enabled, disabled", body["trunk_status"])
    enabled = body["trunk_status"] == "enabled" if body.get("trunk_status") else body.get("enabled")
    return {} if enabled is None else {"trunk_status": "active" if enabled else "disabled"}
