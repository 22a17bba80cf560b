"""What becomes of a call, hop by hop, and what is wrong. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal


class Outcome(StrEnum):
    """How a call ends, as its caller hears it."""

    ANSWERED = "answered"
    ELSEWHERE = "elsewhere"
    """Sent to another SIP host or to a stream server, as the manifest says."""
    PIN = "pin"
    """Answered at once by livekit-sip, which asks for a PIN."""
    RINGS = "rings"
    """Rings until the trunk's ringing timeout, then 486: nobody is sent into the room."""
    REFUSED = "refused"
    """A final SIP status at once; `Verdict.status` has it."""
    DROPPED = "dropped"
    """One 180 and then nothing at all: LiveKit does not answer calls that it does not know."""
    LOST = "lost"
    """The INVITE never reaches livekit-sip."""


class Code(StrEnum):
    """Why a call is not answered as it should be. Stable, for programs."""

    NUMBER_FORM = "number_form"
    NUMBER_NOT_ON_TRUNK = "number_not_on_trunk"
    TWO_TRUNKS = "two_trunks"
    CATCH_ALL_TRUNK = "catch_all_trunk"
    CALLER_FILTER = "caller_filter"
    CALLED_FILTER = "called_filter"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    ADDRESS_FORGEABLE = "address_forgeable"
    ADDRESSES_UNREAD = "addresses_unread"
    ADDRESSES_OPEN = "addresses_open"
    SOURCE_UNREADABLE = "source_unreadable"
    AUTH_DEMANDED = "auth_demanded"
    AUTH_USER = "auth_user"
    AUTH_HALF_SET = "auth_half_set"
    TRUNK_WITHOUT_RULE = "trunk_without_rule"
    RULE_WITHOUT_TRUNK = "rule_without_trunk"
    RULE_TRUNK_UNKNOWN = "rule_trunk_unknown"
    RULE_SHADOWED = "rule_shadowed"
    RULES_CONTRADICT = "rules_contradict"
    HIDDEN_CALLER = "hidden_caller"
    PIN_ASKED = "pin_asked"
    NO_AGENT = "no_agent"
    OTHER_AGENT = "other_agent"
    NO_WORKER = "no_worker"
    SIP_WITHOUT_REDIS = "sip_without_redis"
    SIP_NODE_MISSING = "sip_node_missing"
    NUMBER_NOT_OWNED = "number_not_owned"
    NUMBER_BLOCKED = "number_blocked"
    NUMBER_NOT_ASSIGNED = "number_not_assigned"
    NUMBER_ON_OTHER_TRUNK = "number_on_other_trunk"
    APPLICATION_ATTACHED = "application_attached"
    CARRIER_TRUNK_MISSING = "carrier_trunk_missing"
    CARRIER_TRUNK_OUTBOUND = "carrier_trunk_outbound"
    CARRIER_TRUNK_DISABLED = "carrier_trunk_disabled"
    DESTINATION_MISSING = "destination_missing"
    DESTINATION_SCHEME = "destination_scheme"
    DESTINATION_WRONG = "destination_wrong"


Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something wrong with one field of one object, and how it is mended.

    An error is why the call is not answered; a warning stands beside a call that is. `command` is what to type, "" when
    there is no command for it.
    """

    code: Code
    object: str
    field: str
    sentence: str
    mend: str
    command: str = ""
    level: Level = "error"


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of the call: `is_ok` None was not looked at, or does not tell."""

    hop: str
    is_ok: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Ref:
    """An object at LiveKit."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What becomes of the call when it arrives in another way."""

    to_form: str
    source_ip: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a route test. `status` is the final SIP status of a call that gets one without an answer."""

    number: str
    to_form: str
    source_ip: str
    outcome: Outcome
    status: int | None = None
    trunk: Ref | None = None
    rule: Ref | None = None
    agent: str | None = None
    room_prefix: str | None = None
    steps: tuple[Step, ...] = ()
    causes: tuple[Cause, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when an agent of ours answers, or the carrier sends the call where the manifest says; else 1."""
        return 0 if self.outcome in (Outcome.ANSWERED, Outcome.ELSEWHERE) else 1

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return asdict(self) | {"ok": self.exit_code == 0}


def distinct(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return each cause once, in order; of two that differ in their level only, the graver."""
    found: dict[tuple[str, ...], Cause] = {}
    for cause in causes:
        key = (cause.code, cause.object, cause.field, cause.sentence)
        if key not in found or cause.level == "error":
            found[key] = cause
    return tuple(found.values())
