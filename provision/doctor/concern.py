"""Whose an object at LiveKit is: what is wrong with ours is an error, and a warning with somebody else's. Pure.

A trunk or rule of somebody else concerns us all the same when it sends calls to our worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.doctor.finding import Code, Finding, Level
from provision.routing.mends import Mend, is_ours, rule_label, trunk_label
from provision.routing.why_rule import sends_ours

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from provision.routing.world import World


def trunk_level(world: World, trunk: SIPInboundTrunkInfo) -> Level:
    """Return how grave it is that strangers get in by a trunk."""
    if is_ours(trunk, world.deployment):
        return "error"
    leads_to_us = any(
        sends_ours(world, rule) and (not rule.trunk_ids or trunk.sip_trunk_id in rule.trunk_ids) for rule in world.rules
    )
    return "error" if leads_to_us else "warning"


def rule_level(world: World, rule: SIPDispatchRuleInfo) -> Level:
    """Return how grave it is that a rule is wrong."""
    return "error" if is_ours(rule, world.deployment) or sends_ours(world, rule) else "warning"


def of_trunk(code: Code, level: Level, trunk: SIPInboundTrunkInfo, sentence: str, mend: Mend) -> Finding:
    """Return a finding about a trunk."""
    return _of(code, level, trunk_label(trunk), sentence, mend)


def of_rule(code: Code, level: Level, rule: SIPDispatchRuleInfo, sentence: str, mend: Mend) -> Finding:
    """Return a finding about a rule."""
    return _of(code, level, rule_label(rule), sentence, mend)


def _of(code: Code, level: Level, subject: str, sentence: str, mend: Mend) -> Finding:
    return Finding(code=code, level=level, subject=subject, sentence=sentence, mend=mend.text, command=mend.command)
