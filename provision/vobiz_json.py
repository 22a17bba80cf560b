"""The JSON of Vobiz's REST API: rows, pages, errors, bodies. Pure; `provision.vobiz` sends and receives it.

Answers are read leniently, since documents and live answers differ: unknown fields are ignored, ``null`` lists are
empty, and everything but an id may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from provision.livekit_numbers import known_as
from provision.values import CarrierTrunk

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

    def value(self) -> CarrierTrunk:
        """Return what we declare. Answers say ``active`` for what requests call ``enabled``."""
        return CarrierTrunk(
            name=self.name,
            inbound_destination=(self.inbound_destination or "").lower(),
            transport=self.transport or "udp",
            enabled=self.trunk_status in (None, "active", "enabled"),
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
            "an application is attached to it; detach it in the console": bool(self.application_id),
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
    rows = next((body[name] for name in _LISTS if body.get(name) is not None), ())
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
    kept = {name: existing[name] for name in _KEPT if existing.get(name) not in (None, "")}
    calls = kept.get("concurrent_calls_limit", _CONCURRENT_CALLS)
    return kept | {
        "name": value.name,
        "trunk_direction": "inbound",
        "trunk_type": "INBOUND",
        "trunk_status": "enabled" if value.enabled else "disabled",
        "enabled": value.enabled,
        "transport": value.transport,
        "inbound_destination": value.inbound_destination,
        "concurrent_calls_limit": calls,
        "max_concurrent_calls": calls,
    }


def read_retry_after_s(body: Any) -> float:
    """Return the seconds in an error body's ``details.retryAfter``, 0 when it has none."""
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    named = details.get("retryAfter") if isinstance(details, dict) else None
    return float(named) if isinstance(named, (int, float)) else 0.0
