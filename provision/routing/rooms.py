"""The room of a call, as livekit-server 1.13.5 names it (livekit/protocol, sip/sip.go EvaluateDispatchRule). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.routing.rule_match import room_of

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo

    from provision.routing.call import Invite

RANDOM = "…"
_SHOWN_DIGITS = 4


def room_name(rule: SIPDispatchRuleInfo, invite: Invite) -> str:
    """Return the room that a rule gives to a call; a random part stands as `RANDOM`."""
    kind, prefix = rule.rule.WhichOneof("rule"), room_of(rule)
    if kind == "dispatch_rule_individual":
        caller = _shown_caller(invite.from_user) if rule.hide_phone_number else invite.from_user
        return _joined(prefix, caller, is_random=not rule.rule.dispatch_rule_individual.no_randomness)
    if kind == "dispatch_rule_callee":
        return _joined(prefix, invite.to_user, is_random=rule.rule.dispatch_rule_callee.randomize)
    return prefix


def _joined(prefix: str, party: str, *, is_random: bool) -> str:
    name = f"{prefix}_{party}" if prefix else party
    return f"{name}_{RANDOM}" if is_random else name


def _shown_caller(number: str) -> str:
    """The last digits of a hidden number; LiveKit counts bytes."""
    shown = _SHOWN_DIGITS if len(number.encode()) > _SHOWN_DIGITS else 1
    return number.encode()[-shown:].decode(errors="replace")
