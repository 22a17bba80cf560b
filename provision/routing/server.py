"""The two questions that a SIP node asks livekit-server 1.13.5 about a call (pkg/service/ioservice_sip.go). Pure.

Compared with the real server's answers in tests/provision/routing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from provision.routing.addresses import parse_address
from provision.routing.refusal import ServerRefusedError
from provision.routing.rule_match import match_rule, pin_of
from provision.routing.trunk_match import match_trunk

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from provision.routing.call import Invite


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Where a call goes: accepted, asked for a PIN, or dropped; the trunk is there also for a dropped one."""

    result: Literal["accept", "pin", "drop"]
    trunk: SIPInboundTrunkInfo | None
    rule: SIPDispatchRuleInfo | None = None


def authenticate(trunks: Sequence[SIPInboundTrunkInfo], invite: Invite) -> SIPInboundTrunkInfo | None:
    """GetSIPTrunkAuthentication: the trunk that a call comes by. None lets it go on without a password.

    Raises:
        ServerRefusedError: several trunks, or a source that is no address.
    """
    _check_source(invite)
    return match_trunk(trunks, invite)


def evaluate(
    trunks: Sequence[SIPInboundTrunkInfo],
    rules: Sequence[SIPDispatchRuleInfo],
    invite: Invite,
    *,
    trunk_id: str = "",
    pin: str = "",
) -> Dispatch:
    """EvaluateSIPDispatchRules; `trunk_id` is what the first question answered.

    Raises:
        ServerRefusedError: several trunks, rules that contradict each other, a source that is no address; or, with code
            "panic", a caller without number under a rule that hides numbers: the server ends (measured).
    """
    _check_source(invite)
    known = [trunk for trunk in trunks if trunk_id and trunk.sip_trunk_id == trunk_id]
    trunk = match_trunk(known or trunks, invite)
    rule = match_rule(rules, trunk.sip_trunk_id if trunk else "", invite, pin=pin)
    if rule is None:
        return Dispatch("drop", trunk)
    if rule.hide_phone_number and not invite.from_user:
        raise ServerRefusedError("panic", "slice bounds out of range", rule.sip_dispatch_rule_id)
    return Dispatch("pin" if pin_of(rule) and not pin else "accept", trunk, rule)


def _check_source(invite: Invite) -> None:
    if invite.source_ip and parse_address(invite.source_ip) is None:
        raise ServerRefusedError("invalid_argument", f'ParseAddr("{invite.source_ip}"): unable to parse IP')
