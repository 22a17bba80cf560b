"""Which dispatch rule takes a call, as livekit-server 1.13.5 decides (livekit/protocol, sip/sip.go).

Rules that name the trunk go before rules that name none; among those of one kind the lowest priority number wins. All
rules that are looked at are held against each other first, also those that the call would never use: without a trunk
that is every rule of the server. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Literal

from provision.routing.numbers import normalise
from provision.routing.refusal import ServerRefusedError

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo

    from provision.routing.call import Invite

_KINDS = {"dispatch_rule_direct": 0, "dispatch_rule_individual": 1, "dispatch_rule_callee": 2}
_WITHOUT_PIN = 100
_WITHOUT_LIST = 1000
_LAST = 2**31 - 1

Obstacle = Literal["inbound_numbers", "numbers", "pin"]


def pin_of(rule: SIPDispatchRuleInfo) -> str:
    """Return a rule's PIN, "" when it asks for none."""
    kind = rule.rule.WhichOneof("rule")
    return getattr(rule.rule, kind).pin if kind else ""


def room_of(rule: SIPDispatchRuleInfo) -> str:
    """Return a rule's room name or the prefix of it."""
    kind = rule.rule.WhichOneof("rule")
    if kind is None:
        return ""
    chosen = getattr(rule.rule, kind)
    return str(chosen.room_name if kind == "dispatch_rule_direct" else chosen.room_prefix)


def priority(rule: SIPDispatchRuleInfo) -> int:
    """Return the place of a rule among others; the lowest wins (DispatchRulePriority)."""
    kind = rule.rule.WhichOneof("rule")
    if kind not in _KINDS:
        return _LAST
    found = _KINDS[kind] + (0 if pin_of(rule) else _WITHOUT_PIN)
    return found + _WITHOUT_LIST * (not rule.inbound_numbers) + _WITHOUT_LIST * (not rule.numbers)


def obstacle(rule: SIPDispatchRuleInfo, invite: Invite, *, pin: str = "") -> Obstacle | None:
    """Return the field by which a rule refuses a call, None when it takes it.

    Numbers are compared as plain text here, other than on trunks.
    """
    if rule.inbound_numbers and invite.from_user not in rule.inbound_numbers:
        return "inbound_numbers"
    if rule.numbers and invite.to_user not in rule.numbers:
        return "numbers"
    if pin and pin_of(rule) != pin:
        return "pin"
    return None


def looked_at(rules: Iterable[SIPDispatchRuleInfo], trunk_id: str) -> tuple[SIPDispatchRuleInfo, ...]:
    """Return the rules that the server reads for a trunk, in its order; without a trunk, all."""
    ordered = sorted(rules, key=lambda rule: rule.sip_dispatch_rule_id)
    return tuple(rule for rule in ordered if not trunk_id or not rule.trunk_ids or trunk_id in rule.trunk_ids)


def check_rules(rules: Sequence[SIPDispatchRuleInfo]) -> None:
    """Hold rules against each other.

    Raises:
        ServerRefusedError: two say the same about one trunk, caller, number and PIN; or one rule says it twice, e.g. by
            listing a number in two forms.
    """
    taken: dict[tuple[str, ...], SIPDispatchRuleInfo] = {}
    for rule in rules:
        if rule.rule.WhichOneof("rule") is None:
            rule_id = rule.sip_dispatch_rule_id
            raise ServerRefusedError("invalid_argument", "unsupported SIP Dispatch Rule", rule_id)
        lists = (list(listed) or [""] for listed in (rule.trunk_ids, rule.inbound_numbers, rule.numbers))
        for trunk, caller, number in product(*lists):
            key = (pin_of(rule), trunk, normalise(caller), normalise(number))
            if (other := taken.get(key)) is not None:
                ids = (rule.sip_dispatch_rule_id, other.sip_dispatch_rule_id)
                raise ServerRefusedError("invalid_argument", "Dispatch rule for the same trunk already exists", *ids)
            taken[key] = rule


def match_rule(
    rules: Iterable[SIPDispatchRuleInfo], trunk_id: str, invite: Invite, *, pin: str = ""
) -> SIPDispatchRuleInfo | None:
    """Return the rule that takes a call by a trunk ("" for none), None when there is none.

    Raises:
        ServerRefusedError: the rules contradict each other.
    """
    read = looked_at(rules, trunk_id)
    check_rules(read)
    taking = [rule for rule in read if obstacle(rule, invite, pin=pin) is None]
    specific = [rule for rule in taking if trunk_id and trunk_id in rule.trunk_ids]
    chosen = specific or [rule for rule in taking if not rule.trunk_ids]
    return min(chosen, key=lambda rule: (priority(rule), room_of(rule).encode()), default=None)
