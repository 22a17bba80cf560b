"""What the doctor finds: what was looked at, whether it is well, and what mends it. Pure values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Literal, get_args

Level = Literal["error", "warning", "ok", "skipped"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)


class Code(StrEnum):
    """What was looked at; whether it is well stands in the level. Stable, for programs."""

    CARRIER_REACHABLE = "carrier_reachable"
    CARRIER_KEY = "carrier_key"
    CARRIER_ACCOUNT = "carrier_account"
    BALANCE = "balance"
    CHANNELS = "channels"
    CALLS_PER_SECOND = "calls_per_second"
    LIVEKIT_REACHABLE = "livekit_reachable"
    LIVEKIT_KEY = "livekit_key"
    LIVEKIT_REDIS = "livekit_redis"
    SIP_NODE = "sip_node"
    WORKER = "worker"
    CARRIER_CLOCK = "carrier_clock"
    LIVEKIT_CLOCK = "livekit_clock"
    SIP_HOST_NAME = "sip_host_name"
    SIP_HOST_ADDRESS = "sip_host_address"
    SIP_HOST_ANSWER = "sip_host_answer"
    TRUNK_NUMBERS = "trunk_numbers"
    TRUNK_ADDRESSES = "trunk_addresses"
    TRUNK_PASSWORD = "trunk_password"  # noqa: S105  (the name of a check)
    TRUNK_CALLERS = "trunk_callers"
    TRUNK_CODECS = "trunk_codecs"
    TRUNK_RULE = "trunk_rule"
    RULE_TRUNKS = "rule_trunks"
    RULE_TRUNK_UNKNOWN = "rule_trunk_unknown"
    RULE_HIDES_CALLER = "rule_hides_caller"
    RULES_CONTRADICT = "rules_contradict"
    NUMBER_OWNED = "number_owned"
    NUMBER_BLOCKED = "number_blocked"
    NUMBER_ROUTE = "number_route"
    CARRIER_TRUNK = "carrier_trunk"
    APPLICATION = "application"
    CALLBACK_SIGNATURE = "callback_signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    An error keeps calls away, or lets in strangers; a warning may do so. `skipped` was not looked at: the sentence says
    why. `mend` says what to do, and `command` is what to type; both are "" when there is nothing.
    """

    code: Code
    level: Level
    subject: str
    sentence: str
    mend: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings about a deployment, in the order of a call's path."""

    deployment: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 when there is an error, else 0."""
        return 1 if any(finding.level == "error" for finding in self.findings) else 0

    @property
    def counts(self) -> dict[Level, int]:
        """How many findings each level has."""
        counted = Counter(finding.level for finding in self.findings)
        return {level: counted[level] for level in LEVELS}

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        return {
            "deployment": self.deployment,
            "ok": self.exit_code == 0,
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
        }


def well(code: Code, subject: str, sentence: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(code=code, level="ok", subject=subject, sentence=sentence)


def skipped(code: Code, subject: str, reason: str) -> Finding:
    """Return a finding that nothing was looked at; `reason` continues ``Not looked at: ``."""
    return Finding(code=code, level="skipped", subject=subject, sentence=f"Not looked at: {reason}.")


def or_well(found: Iterable[Finding], code: Code, subject: str, sentence: str) -> Iterator[Finding]:
    """Pass findings on; when there are none, say that all is well."""
    known = list(found)
    yield from known or [well(code, subject, sentence)]


def counted(count: int, thing: str) -> str:
    """Return ``1 trunk`` or ``3 trunks``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
