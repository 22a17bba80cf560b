"""The forms of callbacks: fields as D:xml/request and D:xml/stream have them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Final

from lab.sip.call import IncomingCall
from lab.vobiz.account import Account
from lab.vobiz.calls.causes import Cause
from lab.vobiz.calls.routing import ToApplication, in_form
from lab.vobiz.live import LiveCall

IST: Final = timezone(timedelta(hours=5, minutes=30))
_SOURCES = {"caller": "Caller", "application": "Answer XML", "api": "API Request"}
_STREAM_FIELDS = ("From", "To", "CallUUID", "ParentAuthID", "Event")


def call_form(event: str, call: IncomingCall, account: Account, *, to: ToApplication, live: LiveCall) -> dict[str, str]:
    """Return the fields that every callback of a call has, and those of the caller's X-VH- headers."""
    habits = account.habits
    caller = in_form(live.from_number, habits.caller_form)
    form = {
        "CallUUID": live.call_uuid,
        "From": caller,
        "To": in_form(to.number, habits.called_form),
        "Direction": "inbound",
        "CallStatus": live.status,
        "Event": event,
        "ALegUUID": live.call_uuid,
        "ALegRequestUUID": live.call_uuid,
        "RequestUUID": live.call_uuid,
        "CallerName": caller,
        "ForwardedFrom": "",
        "ParentAuthID": account.auth_id,
        "SessionStart": live.session_start,
        "STIRVerification": "Not Applicable",
        "STIRAttestation": "",
        "BillRate": "0.38",
        "CountryCode": "IN",
        "RouteType": "DID",
    }
    headers = call.request.headers
    passed = {name: headers[name] for name in headers.keys() if name.lower().startswith("x-vh-")}  # noqa: SIM118
    return form | passed


def hangup_form(cause: Cause, *, began: datetime, answered: datetime | None) -> dict[str, str]:
    """Return what is told of a call that ends now: times in India's time without saying so, and never its cost."""
    ended = datetime.now(IST)
    talk_s = round((ended - answered).total_seconds()) if answered else 0
    return {
        "CallStatus": "completed" if answered else "no-answer",
        "HangupCause": cause.name,
        "HangupCauseCode": str(cause.code),
        "HangupCauseName": cause.name,
        "HangupSource": _SOURCES.get(cause.by, "Vobiz"),
        "Duration": str(talk_s),
        "BillDuration": str(-(-talk_s // 60) * 60),
        "StartTime": _local(began),
        "AnswerTime": _local(answered) if answered else "",
        "EndTime": _local(ended),
        "TotalCost": "0",
    }


def stream_form(form: dict[str, str], stream_id: str) -> dict[str, str]:
    """Return what a stream's status callback has, out of a call's form."""
    at = str(round(time.time() * 1000))
    return {name: form[name] for name in _STREAM_FIELDS} | {"StreamID": stream_id, "Timestamp": at}


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
