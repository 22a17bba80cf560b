"""The JSON of Vobiz's REST API: rows, pages, errors, bodies. Pure; `provision.vobiz` sends and receives it.

Answers are read leniently, since documents and live answers differ: unknown fields are ignored, ``null`` lists are
empty, and everything but an id may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from provision.livekit_numbers import known_as
from provision.values import Application, CarrierOutbound, CarrierTrunk

_CONCURRENT_CALLS: Final = 10
"""Vobiz's own default; stored by it but not enforced (the limits that count are the account's)."""

_LISTS: Final = ("objects", "items", "data", "results")
_KEPT: Final = (
    "description",
    "secure",
    "concurrent_calls_limit",
    "cps_limit",
    "credential_uuid",
    "ipacl_uuid",
    "primary_uri_uuid",
    "fallback_uri_uuid",
    "recording",
    "enable_transcription",
    "pii_redaction",
    "pii_entity_types",
    "webhook_url",
    "webhook_method",
    "recording_webhook_enabled",
)
"""Settings of a trunk that others may have made: an update sends them back, since documents disagree on whether PUT
replaces or merges."""


class TrunkRow(BaseModel):
    """A trunk, as far as we look at it."""

    model_config = ConfigDict(extra="ignore")

    trunk_id: str
    name: str = ""
    trunk_status: str | None = None
    trunk_direction: str | None = None
    inbound_destination: str | None = None
    transport: str | None = None
    credential_uuid: str | None = None
    trunk_domain: str | None = None

    @property
    def is_outbound(self) -> bool:
        """Whether calls leave through it."""
        return self.trunk_direction == "outbound"

    def value(self) -> CarrierTrunk:
        """Return what we declare. Answers say ``active`` for what requests call ``enabled``."""
        return CarrierTrunk(
            name=self.name,
            inbound_destination=(self.inbound_destination or "").lower(),
            transport=self.transport or "udp",
            enabled=self.trunk_status in (None, "active", "enabled"),
        )

    def outbound(self, credentials: Mapping[str, str]) -> CarrierOutbound:
        """Return what we declare of an outbound trunk; `credentials` has user names by id."""
        known = self.credential_uuid or ""
        return CarrierOutbound(
            name=self.name,
            credential=credentials.get(known, known),
            transport=self.transport or "udp",
            enabled=self.trunk_status in (None, "active", "enabled"),
        )


class CredentialRow(BaseModel):
    """A user name of the account; its password is never told."""

    model_config = ConfigDict(extra="ignore")

    id: str
    username: str


class ApplicationRow(BaseModel):
    """An application, as far as we look at it."""

    model_config = ConfigDict(extra="ignore")

    app_id: str
    app_name: str = ""
    answer_url: str | None = None
    hangup_url: str | None = None
    fallback_answer_url: str | None = None

    def value(self) -> Application:
        """Return what we declare. A hang-up URL that is the answer URL is Vobiz's own default."""
        hangup = self.hangup_url or ""
        return Application(
            name=self.app_name,
            answer_url=self.answer_url or "",
            hangup_url="" if hangup == self.answer_url else hangup,
            fallback_url=self.fallback_answer_url or "",
        )


class NumberRow(BaseModel):
    """A number of the account, as far as we look at it."""

    model_config = ConfigDict(extra="ignore")

    e164: str
    status: str | None = None
    application_id: str | None = None
    trunk_group_id: str | None = None
    is_blocked: bool | None = None
    is_trial_number: bool | None = None
    aadhaar_verification_required: bool | None = None
    aadhaar_verified: bool | None = None

    @property
    def number(self) -> str:
        """The number in E.164, whatever form the answer has."""
        return known_as(self.e164)

    def blockers(self) -> tuple[str, ...]:
        """Return why no call would arrive, in words."""
        found = {
            f"its status is {self.status}": self.status not in (None, "active"),
            "the carrier has blocked it": bool(self.is_blocked),
            "trial numbers take no calls": bool(self.is_trial_number),
            "its Aadhaar verification is missing": bool(self.aadhaar_verification_required)
            and not self.aadhaar_verified,
        }
        return tuple(words for words, holds in found.items() if holds)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list. `total` is the length of the whole list, None when the answer does not tell."""

    rows: tuple[Any, ...]
    total: int | None

    def is_last(self, *, seen: int, asked: int) -> bool:
        """Say whether the list ends here: `seen` rows have arrived, this page included, and `asked` were asked for."""
        return not self.rows or (seen >= self.total if self.total is not None else len(self.rows) < asked)


def read_page(body: Any) -> Page:
    """Read a page in any of the API's three styles. An empty list arrives as ``null``.

    Raises:
        ValueError: there is no list in the body, e.g. because a proxy answered.
    """
    if not isinstance(body, dict) or not any(name in body for name in _LISTS):
        raise ValueError("an answer without a list")
    rows: Any = next((body[name] for name in _LISTS if body.get(name) is not None), [])
    if not isinstance(rows, list):
        raise ValueError("an answer without a list")
    meta = body.get("meta") or body.get("pagination") or body
    totals = (meta.get(name) for name in ("total", "total_count"))
    return Page(tuple(rows), next((total for total in totals if isinstance(total, int)), None))


def read_error(body: Any) -> tuple[str, str]:
    """Return (code, words) of an error body in any of the API's shapes, ("", "") when it has none.

    ``{"error": {"code", "message"}}``, ``{"error": code, "message": words}``, ``{"error": words, "code": 409}``,
    ``{"error": words, "details": …}`` and the gateway's ``{"message": words}``.
    """
    if not isinstance(body, dict):
        return "", ""
    error, message = body.get("error"), body.get("message")
    if isinstance(error, dict):
        return str(error.get("code", "")), str(error.get("message", ""))
    if isinstance(error, str) and isinstance(message, str):
        return error, message
    return str(body.get("code", "")), str(error or message or "")


def trunk_body(value: CarrierTrunk, existing: Mapping[str, Any]) -> dict[str, Any]:
    """Say everything in both spellings that Vobiz's documents have for it; live servers take them together."""
    return _trunk_body(value, existing, direction="inbound") | {"inbound_destination": value.inbound_destination}


def outbound_body(value: CarrierOutbound, existing: Mapping[str, Any], *, credential_id: str) -> dict[str, Any]:
    """Say everything in both spellings, as `trunk_body` does."""
    return _trunk_body(value, existing, direction="outbound") | {"credential_uuid": credential_id}


def _trunk_body(
    value: CarrierTrunk | CarrierOutbound, existing: Mapping[str, Any], *, direction: str
) -> dict[str, Any]:
    kept = {name: existing[name] for name in _KEPT if existing.get(name) not in (None, "")}
    calls = kept.get("concurrent_calls_limit", _CONCURRENT_CALLS)
    return kept | {
        "name": value.name,
        "trunk_direction": direction,
        "trunk_type": direction.upper(),
        "trunk_status": "enabled" if value.enabled else "disabled",
        "enabled": value.enabled,
        "transport": value.transport,
        "concurrent_calls_limit": calls,
        "max_concurrent_calls": calls,
    }


def application_body(value: Application) -> dict[str, str]:
    """Say what we declare; without a hang-up URL Vobiz takes the answer URL."""
    named = {"hangup_url": value.hangup_url, "fallback_answer_url": value.fallback_url}
    methods = {"answer_method": "POST", "hangup_method": "POST"}
    return {"app_name": value.name, "answer_url": value.answer_url, **methods} | {k: v for k, v in named.items() if v}


def read_retry_after_s(body: Any) -> float:
    """Return the seconds in an error body's ``details.retryAfter``, 0 when it has none."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    named = details.get("retryAfter") if isinstance(details, dict) else None
    return float(named) if isinstance(named, (int, float)) else 0.0
