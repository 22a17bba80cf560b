"""Calls: those that are live, and the record that remains of each (D:call pages, the CDR pages)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.vobiz.times import now


@dataclass(kw_only=True, eq=False)
class LiveCall:
    """A call on the carrier's side. `hang_up` ends it on the wire; None for a call that only stands in the state.

    `cut` breaks the connection of its stream's socket, when it has one.
    """

    from_number: str
    to_number: str
    trunk_id: str | None = None
    application_id: str | None = None
    status: str = "ringing"
    call_uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    session_start: str = field(default_factory=now)
    hang_up: Callable[[], Awaitable[None]] | None = None
    cut: Callable[[], None] | None = None

    def shown(self) -> dict[str, Any]:
        """Return the call as `Call/{uuid}?status=live` shows it."""
        return {
            "call_status": self.status,
            "call_uuid": self.call_uuid,
            "request_uuid": self.call_uuid,
            "from": self.from_number,
            "to": self.to_number,
            "direction": "inbound",
            "caller_name": "",
            "session_start": self.session_start,
        }


@dataclass(kw_only=True)
class CallRecord:
    """What remains of a call: `GET /lab/calls` tells it, a CDR shows a part of it.

    `route` is trunk, application or refused. `attempts` are the destinations tried, each with its SIP status (0: no
    answer). `status` is the final SIP status that the caller got; `cause` and `cause_code` are Vobiz's words
    (D:concepts/hangup-causes). `sip_call_id` is the caller's leg, `bridge_uuid` the destination's.
    """

    call_uuid: str
    caller: str
    called: str
    number: str | None = None
    route: str = "refused"
    trunk_id: str | None = None
    trunk_name: str | None = None
    application_id: str | None = None
    destination: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    status: int = 0
    reason: str = ""
    cause: str = "NORMAL_CLEARING"
    cause_code: int = 4000
    ended_by: str = ""
    sip_call_id: str = ""
    bridge_uuid: str = ""
    answered_at: str | None = None
    started_at: str = field(default_factory=now)
    ended_at: str | None = None
    ring_s: float = 0.0
    talk_s: float = 0.0
    stream: dict[str, Any] | None = None
    _began_s: float = field(default_factory=time.monotonic, repr=False)
    _answered_s: float | None = None

    def answered(self) -> None:
        """The caller was answered now."""
        self.status, self.answered_at, self._answered_s = 200, now(), time.monotonic()

    def gave_up(self) -> None:
        """The caller hung up before the answer."""
        self.status, self.ended_by, self.cause, self.cause_code = 487, "caller", "ORIGINATOR_CANCEL", 1000

    def ended(self) -> dict[str, Any]:
        """The call is over now; return the record as JSON."""
        at_s = time.monotonic()
        self.ended_at = now()
        self.ring_s = round((self._answered_s or at_s) - self._began_s, 3)
        self.talk_s = round(at_s - self._answered_s, 3) if self._answered_s else 0.0
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


def cdr_row(record: dict[str, Any], account_id: str) -> dict[str, Any]:
    """Return a call record as the CDR family shows it: a plus on the caller's number, none on the called one."""
    talk_s, ring_s = round(record["talk_s"]), round(record["ring_s"])
    return {
        "uuid": record["call_uuid"],
        "account_id": account_id,
        "call_direction": "inbound",
        "caller_id_number": record["caller"],
        "destination_number": (record["number"] or record["called"]).lstrip("+"),
        "region": "ap-south-1",
        "trunk_id": record["trunk_id"],
        "terminated_to": record["destination"],
        "duration": ring_s + talk_s,
        "billsec": talk_s,
        "ring_time": ring_s,
        "start_time": record["started_at"],
        "answer_time": record["answered_at"],
        "end_time": record["ended_at"],
        "hangup_cause": record["cause"],
        "hangup_cause_code": record["cause_code"],
        "hangup_source": record["ended_by"],
        "sip_call_id": record["sip_call_id"],
        "bridge_uuid": record["bridge_uuid"],
        "currency": "INR",
        "codec": "PCMU",
        "created_at": record["started_at"],
        "updated_at": record["ended_at"] or now(),
    }
