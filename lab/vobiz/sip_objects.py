"""What trunks are made with: credentials, IP access lists, origination URIs.

Pages: D:trunks/credentials/create-credential, D:trunks/origination-uri/create-origination-uri, the ip-acl pages.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from lab.vobiz.errors import coded_error, plain_error
from lab.vobiz.times import now

if TYPE_CHECKING:
    from lab.vobiz.account import Account

Row = dict[str, Any]
CREDENTIALS, IP_ACLS, URIS = "credentials", "ip-acl", "origination-uris"
MIN_PASSWORD = 8
_PLAIN_USERNAME = re.compile(r"[A-Za-z0-9]+")
_EXAMPLE_NETWORKS = tuple(IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
"""RFC 5737; the API refuses them."""


def create_credential(account: Account, body: Mapping[str, Any]) -> Row:
    """Make a user for digest authentication. The password is never shown again. Raises AccountError."""
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not username:
        raise plain_error(400, "invalid request", "username is required")
    if account.habits.strict_usernames and not _PLAIN_USERNAME.fullmatch(username):
        raise plain_error(400, "invalid request", "username may have letters and digits only")
    if any(row["username"] == username for row in account.credentials.values()):
        raise coded_error(409, "Username already exists")
    row = _new(account) | {
        "username": username,
        "password": _password(password),
        "realm": f"{account.auth_id}.sip.vobiz.ai",
    }
    return _kept(account, CREDENTIALS, account.credentials, row)


def update_credential(account: Account, row_id: str, body: Mapping[str, Any]) -> Row:
    """Change password, enabled or description; the username never changes. Raises AccountError."""
    row = _found(account.credentials, row_id, "Credential")
    changes = {name: body[name] for name in ("enabled", "description") if name in body}
    if "password" in body:
        changes["password"] = _password(body["password"])
    return _kept(account, CREDENTIALS, account.credentials, row | changes | {"updated_at": now()})


def delete_credential(account: Account, row_id: str) -> None:
    """Remove a user. Raises AccountError: 409 while calls are live on a trunk that uses it."""
    _found(account.credentials, row_id, "Credential")
    busy = {call.trunk_id for call in account.live.values()}
    if any(account.trunks.get(trunk_id or "", {}).get("credential_uuid") == row_id for trunk_id in busy):
        raise coded_error(409, "Credential is in use by active calls")
    del account.credentials[row_id]


def shown_credential(row: Row) -> Row:
    """Return a user as answers show it: without the password."""
    return row | {"password": "<redacted>"}


def create_ip_acl(account: Account, body: Mapping[str, Any]) -> Row:
    """Make an entry of addresses that may call; what is sent as name comes back as description. Raises AccountError."""
    row = _new(account) | {"ip_address": _network(body.get("ip_address")), "description": str(body.get("name", ""))}
    return _kept(account, IP_ACLS, account.ip_acls, row)


def update_ip_acl(account: Account, row_id: str, body: Mapping[str, Any]) -> Row:
    """Change name or address. Raises AccountError."""
    row = _found(account.ip_acls, row_id, "IP ACL")
    changes = {"description": str(body["name"])} if "name" in body else {}
    if "ip_address" in body:
        changes["ip_address"] = _network(body["ip_address"])
    return _kept(account, IP_ACLS, account.ip_acls, row | changes | {"updated_at": now()})


def delete_ip_acl(account: Account, row_id: str) -> None:
    """Remove an entry. Raises AccountError."""
    _found(account.ip_acls, row_id, "IP ACL")
    del account.ip_acls[row_id]


def create_uri(account: Account, body: Mapping[str, Any]) -> Row:
    """Make an origination URI: sip_uri, name, priority come back as uri, description, priority. Raises AccountError.

    Older documents and clients send uri, weight and enabled.
    """
    row = _new(account) | {
        "uri": _sip_uri(body.get("sip_uri", body.get("uri"))),
        "priority": _priority(body.get("priority")),
        "weight": body.get("weight", 10),
        "enabled": body.get("enabled", True) is True,
        "transport": "udp",
        "description": str(body.get("name", "")),
    }
    return _kept(account, URIS, account.uris, row)


def update_uri(account: Account, row_id: str, body: Mapping[str, Any]) -> Row:
    """Change what is sent. Raises AccountError."""
    row = _found(account.uris, row_id, "Origination URI")
    changes: Row = {name: body[name] for name in ("weight", "enabled") if name in body}
    if "name" in body:
        changes["description"] = str(body["name"])
    if "priority" in body:
        changes["priority"] = _priority(body["priority"])
    if "sip_uri" in body or "uri" in body:
        changes["uri"] = _sip_uri(body.get("sip_uri", body.get("uri")))
    return _kept(account, URIS, account.uris, row | changes | {"updated_at": now()})


def delete_uri(account: Account, row_id: str) -> None:
    """Remove a URI. Raises AccountError."""
    _found(account.uris, row_id, "Origination URI")
    del account.uris[row_id]


def _new(account: Account) -> Row:
    made = now()
    return {
        "id": str(uuid.uuid4()),
        "account_id": account.auth_id,
        "enabled": True,
        "created_at": made,
        "updated_at": made,
    }


def _kept(account: Account, family: str, rows: dict[str, Row], row: Row) -> Row:
    account.late.note(family, row["id"], rows.get(row["id"]))
    rows[row["id"]] = row
    return row


def _found(rows: dict[str, Row], row_id: str, what: str) -> Row:
    if row_id not in rows:
        raise coded_error(404, f"{what} not found")
    return rows[row_id]


def _password(value: Any) -> str:
    if not isinstance(value, str) or len(value) < MIN_PASSWORD:
        raise plain_error(400, "invalid request", f"password must have at least {MIN_PASSWORD} characters")
    return value


def _network(value: Any) -> str:
    try:
        network = IPv4Network(str(value), strict=False)
    except ValueError:
        raise plain_error(400, "invalid request", "ip_address must be an IPv4 address or CIDR") from None
    if any(network.overlaps(example) for example in _EXAMPLE_NETWORKS):
        raise plain_error(400, "invalid request", "ip_address is in a documentation range")
    return str(value)


def _sip_uri(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("sip:") or len(value) <= len("sip:"):
        raise coded_error(400, "Invalid SIP URI format. Expected: sip:user@host:port")
    return value


def _priority(value: Any) -> int:
    if type(value) is not int:
        raise plain_error(400, "invalid request", "priority is required")
    return value
