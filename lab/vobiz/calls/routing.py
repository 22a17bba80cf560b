"""Where a call goes, decided from the account's state alone.

The statuses are inferred from D:concepts/hangup-causes: no page says what the caller's carrier gets in which case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.vobiz.account import Account
from lab.vobiz.habits import NumberForm
from telephony.numbers import NumberError, carrier_forms, parse_number
from telephony.sip_uri import SipUri, SipUriError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The caller is refused with a SIP status. `number` is the one that was meant, if it is a number."""

    status: int
    reason: str
    cause: str
    cause_code: int
    number: str | None = None
    trunk_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTrunk:
    """The call goes out again, to the first of `destinations` that takes it: host or host:port, with user@ or not."""

    number: str
    trunk_id: str
    trunk_name: str
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToApplication:
    """The call is answered here, as an Application says."""

    number: str
    app_id: str


def route(account: Account, called: str) -> Refusal | ToTrunk | ToApplication:
    """Say where a call to `called` goes, the user part of its Request-URI in any form of a number."""
    try:
        number = parse_number(called)
    except NumberError:
        return _unknown(None)
    account.settle_releases()
    row = account.numbers.get(number)
    if row is None:
        return _unknown(number)
    if len(account.live) >= account.concurrent_calls_limit:
        words = "more calls than the account may have"
        return Refusal(status=503, reason=words, cause="CONCURRENCY_LIMIT", cause_code=5030, number=number)
    if words := _cannot_take_calls(row):
        return _nowhere(number, words)
    app_id, trunk_id = row.get("application_id"), row.get("trunk_group_id")
    if app_id in account.applications and not (trunk_id and account.habits.both_route_to == "trunk"):
        return ToApplication(number=number, app_id=str(app_id))
    if trunk_id not in account.trunks:
        return _nowhere(number, "the number is on no trunk")
    return _to_trunk(account, number, account.trunks[str(trunk_id)])


def in_form(number: str, form: NumberForm) -> str:
    """Return a number as the carrier writes it; what is no E.164 number stays as it is."""
    try:
        forms = carrier_forms(number)
    except NumberError:
        return number
    match form:
        case "e164":
            return forms[0]
        case "digits":
            return forms[1]
        case "national":
            return forms[3] if len(forms) > 3 else forms[2]


def known_number(text: str) -> str:
    """Return the E.164 form of what a caller calls himself, or the text when it is no number."""
    try:
        return parse_number(text)
    except NumberError:
        return text


def _to_trunk(account: Account, number: str, trunk: Row) -> Refusal | ToTrunk:
    def refused(words: str, status: int = 480) -> Refusal:
        return _nowhere(number, words, status=status, trunk_id=trunk["trunk_id"])

    if trunk["trunk_direction"] == "outbound":
        return refused("the trunk is outbound")
    if trunk["trunk_status"] != "active":
        return refused("the trunk is disabled")
    if trunk["transport"] != "udp":
        return refused(f"the stand-in sends over udp, not {trunk['transport']}", 503)
    destinations = _destinations(account, trunk)
    if not destinations:
        return refused("the trunk has no destination")
    if any(destination.startswith(("sip:", "sips:")) for destination in destinations):
        # What a production client met: the trunk looks right, and callers hear that the number is invalid.
        return refused("inbound_destination has a sip: prefix", 404)
    return ToTrunk(
        number=number, trunk_id=trunk["trunk_id"], trunk_name=trunk["name"], destinations=tuple(destinations)
    )


def _destinations(account: Account, trunk: Row) -> list[str]:
    """The inbound destination, which may be an origination URI's id, or the primary URI; then the fallback."""
    first = trunk.get("inbound_destination") or trunk.get("primary_uri_uuid")
    found = [_destination(account, text) for text in (first, trunk.get("fallback_uri_uuid")) if text]
    return [text for text in found if text]


def _destination(account: Account, text: str) -> str | None:
    uri = account.uris.get(text)
    if uri is None:
        return text
    if not uri["enabled"]:
        return None
    try:
        parsed = SipUri.parse(uri["uri"])
    except SipUriError:
        return None
    user = f"{parsed.user}@" if parsed.user else ""
    return f"{user}{parsed.host}" + (f":{parsed.port}" if parsed.port else "")


def _cannot_take_calls(row: Row) -> str:
    if row["status"] != "active":
        return f"the number's status is {row['status']}"
    if row["is_blocked"]:
        return "the number is blocked"
    if row["is_trial_number"]:
        return "trial numbers take no calls"
    if row["aadhaar_verification_required"] and not row["aadhaar_verified"]:
        return "the number's Aadhaar verification is missing"
    return ""


def _unknown(number: str | None) -> Refusal:
    return Refusal(status=404, reason="no such number", cause="UNALLOCATED_NUMBER", cause_code=3050, number=number)


def _nowhere(number: str, words: str, *, status: int = 480, trunk_id: str | None = None) -> Refusal:
    return Refusal(
        status=status, reason=words, cause="ROUTING_FAILED", cause_code=5020, number=number, trunk_id=trunk_id
    )
