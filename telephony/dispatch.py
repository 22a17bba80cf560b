"""The dispatch contract: what a dispatch rule writes and the worker reads.

A rule names the worker (`worker_name`) and carries `DispatchMetadata` as the job's metadata; livekit-sip describes the
caller's leg by participant attributes under the keys below (livekit/sip v1.11.0, ``pkg/sip/participant.go``).
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from telephony.errors import UserError
from telephony.numbers import NumberError, parse_number

DISPATCH_VERSION: Final = 1
RESTRICTED_VERSION: Final = 2
"""Of metadata with `split` or `callers`: a worker that would overlook them must not take the call."""

CALL_ID: Final = "sip.callID"
"""LiveKit's own id of the leg (``SCL_…``)."""
CALL_ID_FULL: Final = "sip.callIDFull"
"""The SIP Call-ID; Vobiz's CDR has it as ``bridge_uuid`` for inbound calls. An outbound leg has it from its answer."""
CALL_TAG: Final = "sip.callTag"
"""The remote tag of the SIP dialog."""
CALL_STATUS: Final = "sip.callStatus"
CALLER: Final = "sip.phoneNumber"
"""The other party's number as the carrier wrote it: on an inbound leg, the caller's."""
CALLED: Final = "sip.trunkPhoneNumber"
"""Our number as the carrier wrote it (any of `telephony.numbers.carrier_forms`): on an inbound leg, the called one."""
TRUNK_ID: Final = "sip.trunkID"
RULE_ID: Final = "sip.ruleID"
HOSTNAME: Final = "sip.hostname"
HEADER_PREFIX: Final = "sip.h."

CallStatus = Literal["dialing", "ringing", "automation", "active", "hangup"]


class DispatchError(UserError):
    """Job metadata that this version cannot read; the rule was not written by this version of dialroom."""


def worker_name(deployment: str) -> str:
    """Return LiveKit's agent name for a deployment: the rule names it, the worker registers under it."""
    return f"dialroom-{deployment}"


def outbound_name(deployment: str) -> str:
    """Return the name of a deployment's outbound trunk, at the carrier and at LiveKit."""
    return f"dialroom-{deployment}-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchMetadata:
    """Which agent profile answers.

    `number` is the called number in E.164, or None when the rule serves several numbers: then the caller's leg has it
    in its attribute `CALLED`. With `split`, calls are shared among agents by weight, and `agent` is the first of them.
    `callers` are the only numbers (E.164) that may call; empty is everybody. `resumed`: the call runs already, and its
    agent has died (no rule says so, the supervisor does).
    """

    deployment: str
    agent: str
    number: str | None = None
    split: tuple[tuple[str, int], ...] = ()
    callers: tuple[str, ...] = ()
    resumed: bool = False

    def to_json(self) -> str:
        """Return the metadata as compact JSON with sorted keys, equal values giving equal texts."""
        fields = {key: value for key, value in asdict(self).items() if value not in (None, (), False)}
        version = RESTRICTED_VERSION if self.split or self.callers else DISPATCH_VERSION
        return json.dumps({"v": version, **fields}, sort_keys=True, separators=(",", ":"))

    def agent_for(self, call_id: str) -> str:
        """Return the agent that answers a call: always the same one for the same id, by weight over many."""
        if not self.split:
            return self.agent
        total = sum(weight for _, weight in self.split)
        point = int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:8], "big") % total
        for agent, weight in self.split:
            point -= weight
            if point < 0:
                return agent
        raise AssertionError(self.split)

    def admits(self, caller: str | None) -> bool:
        """Say whether a caller may call; the number may have any form that a carrier sends."""
        return admits(self.callers, caller)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Unknown keys of the same version are ignored.

        Raises:
            DispatchError: no JSON object, another version, or a missing or wrongly typed key.
        """
        fields = _parse_object(text)
        version = fields.get("v")
        if version not in (DISPATCH_VERSION, RESTRICTED_VERSION):
            raise DispatchError(f"dispatch metadata has version {version!r}, this worker reads {RESTRICTED_VERSION}")
        return cls(
            deployment=_required(fields, "deployment"),
            agent=_required(fields, "agent"),
            number=_required(fields, "number") if fields.get("number") is not None else None,
            split=_shares(fields.get("split", [])),
            callers=_texts(fields.get("callers", [])),
            resumed=fields.get("resumed") is True,
        )


def admits(callers: Collection[str], caller: str | None) -> bool:
    """Say whether somebody may call where only `callers` (E.164) may; empty is everybody."""
    return not callers or (caller is not None and _normal(caller) in callers)


def _normal(number: str) -> str:
    try:
        return parse_number(number)
    except NumberError:
        return number


def _shares(given: Any) -> tuple[tuple[str, int], ...]:
    try:
        shares = tuple((str(agent), int(weight)) for agent, weight in given)
    except (TypeError, ValueError):
        raise DispatchError("dispatch metadata has no shares under 'split'") from None
    if any(weight < 1 for _, weight in shares):
        raise DispatchError("dispatch metadata has no shares under 'split'")
    return shares


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise DispatchError("dispatch metadata has no list of texts under 'callers'")
    return tuple(given)


def _parse_object(text: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise DispatchError("dispatch metadata is not JSON; run `dialroom provision apply` again") from error
    if not isinstance(fields, dict):
        raise DispatchError("dispatch metadata is not a JSON object")
    return fields


def _required(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise DispatchError(f"dispatch metadata has no text under {key!r}")
    return value
