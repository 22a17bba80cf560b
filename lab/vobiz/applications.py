"""Applications: where a number's calls are asked for instructions (the Application pages; shapes from the SDKs)."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lab.vobiz.errors import detail_error
from lab.vobiz.times import now

if TYPE_CHECKING:
    from lab.vobiz.account import Account

Row = dict[str, Any]
FAMILY = "applications"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_URLS = ("answer_url", "hangup_url", "fallback_answer_url", "message_url", "sip_transfer_url")
_METHODS = ("answer_method", "hangup_method", "fallback_method", "message_method", "sip_transfer_method")
_FLAGS = ("default_app", "default_number_app", "default_endpoint_app", "public_uri", "log_incoming_message")


def create(account: Account, body: Mapping[str, Any]) -> Row:
    """Make an Application and return the answer: not the object, but its id. Raises AccountError."""
    fields = _read(account, body)
    for name in ("app_name", "answer_url"):
        if not fields.get(name):
            raise detail_error(400, f"{name} is required")
    app_id = "".join(str(secrets.randbelow(10)) for _ in range(16))
    app_id = f"{1 + secrets.randbelow(9)}{app_id}"
    made = now()
    row: Row = {
        "account_id": account.auth_id,
        "app_id": app_id,
        "application_type": "XML",
        "enabled": True,
        "sub_account": None,
        "resource_uri": f"/v1/Account/{account.auth_id}/Application/{app_id}/",
        "sip_uri": f"sip:{app_id}@app.vobiz.ai",
        "created_at": made,
        "updated_at": made,
        **dict.fromkeys(_URLS),
        **dict.fromkeys(_METHODS, "POST"),
        **dict.fromkeys(_FLAGS, False),
    }
    row |= fields
    row["hangup_url"] = row["hangup_url"] or row["answer_url"]
    account.late.note(FAMILY, app_id, None)
    account.applications[app_id] = row
    return {"api_id": str(uuid.uuid4()), "app_id": app_id, "message": "created"}


def get(account: Account, app_id: str) -> Row:
    """Return an Application as it is kept. Raises AccountError."""
    row = account.applications.get(app_id)
    if row is None:
        raise detail_error(404, "application not found")
    return row


def shown(row: Row) -> Row:
    """Return an Application as answers show it: what is not set is missing."""
    return {name: value for name, value in row.items() if value is not None and name != "account_id"}


def update(account: Account, app_id: str, body: Mapping[str, Any]) -> Row:
    """Change what is sent, and return the answer. Raises AccountError."""
    row = get(account, app_id)
    changed = row | _read(account, body) | {"updated_at": now()}
    account.late.note(FAMILY, app_id, row)
    account.applications[app_id] = changed
    return {"api_id": str(uuid.uuid4()), "message": "changed"}


def delete(account: Account, app_id: str) -> None:
    """Remove an Application. Raises AccountError: 409 while numbers are attached."""
    get(account, app_id)
    attached = account.numbers_at("application_id", app_id)
    if attached:
        raise detail_error(409, "application has numbers attached", numbers=attached[:10], count=len(attached))
    del account.applications[app_id]


def _read(account: Account, body: Mapping[str, Any]) -> Row:
    fields = {name: body[name] for name in ("app_name", *_URLS, *_METHODS, *_FLAGS) if name in body}
    name = fields.get("app_name", "x")
    if not isinstance(name, str) or (account.habits.strict_app_names and not _NAME.fullmatch(name)):
        raise detail_error(400, "app_name may have letters, digits, _ and - only")
    for url_name in _URLS:
        url = fields.get(url_name)
        if url and urlsplit(str(url)).scheme not in ("http", "https"):
            raise detail_error(400, f"{url_name} is no URL")
    for method_name in _METHODS:
        if fields.get(method_name, "POST") not in ("GET", "POST"):
            raise detail_error(400, f"{method_name} must be GET or POST")
    return fields
