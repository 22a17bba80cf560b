"""What to do about an object: our command where it mends it, LiveKit's own `lk` for what others made. Pure.

`dialroom provision apply` writes a trunk's numbers and addresses, and of a rule everything that decides where calls go;
it leaves a trunk's caller list and password alone, so a trunk of ours that has them is deleted and made anew.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.livekit_numbers import livekit_forms
from provision.routing.verdict import Ref
from provision.stamp import livekit_stamp

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from provision.routing.world import World

APPLY = "dialroom provision apply"


@dataclass(frozen=True, slots=True)
class Mend:
    """What to do, in words and as a command ("" when there is none)."""

    text: str
    command: str = ""


def is_ours(info: SIPInboundTrunkInfo | SIPDispatchRuleInfo, deployment: str) -> bool:
    """Say whether an object is stamped with our deployment."""
    return bool(deployment) and livekit_stamp(info.name, info.metadata) == deployment


def trunk_ref(trunk: SIPInboundTrunkInfo) -> Ref:
    """Return id and name of a trunk."""
    return Ref(trunk.sip_trunk_id, trunk.name)


def rule_ref(rule: SIPDispatchRuleInfo) -> Ref:
    """Return id and name of a rule."""
    return Ref(rule.sip_dispatch_rule_id, rule.name)


def trunk_label(trunk: SIPInboundTrunkInfo) -> str:
    """Return how a trunk is told to a person."""
    return f"LiveKit trunk {trunk.name or 'without name'} ({trunk.sip_trunk_id})"


def rule_label(rule: SIPDispatchRuleInfo) -> str:
    """Return how a rule is told to a person."""
    return f"LiveKit rule {rule.name or 'without name'} ({rule.sip_dispatch_rule_id})"


def provision(world: World, number: str) -> Mend:
    """Put a number through: the whole manifest when it has the number, else the number alone."""
    if number in world.numbers:
        return Mend("make the servers as the manifest says", APPLY)
    return Mend("put the number through to an agent of the manifest", f"dialroom provision {number} --agent NAME")


def list_number(world: World, trunk: SIPInboundTrunkInfo, number: str) -> Mend:
    """Write a number into a trunk, in every form that the carrier may send."""
    if is_ours(trunk, world.deployment):
        return provision(world, number)
    forms = dict.fromkeys((*trunk.numbers, *livekit_forms(number)))
    flags = " ".join(f"--numbers {shlex.quote(form)}" for form in forms)
    return Mend(
        "list every form of the number on the trunk", f"lk sip inbound update --id {trunk.sip_trunk_id} {flags}"
    )


def rewrite_trunk(world: World, trunk: SIPInboundTrunkInfo, what: str, *, is_declared: bool = False) -> Mend:
    """Change another field of a trunk; `is_declared` is one that provisioning writes."""
    if not is_ours(trunk, world.deployment):
        return Mend(
            f"{what} (trunk.json: the whole trunk)", f"lk sip inbound update --id {trunk.sip_trunk_id} trunk.json"
        )
    if is_declared:
        return Mend(what, APPLY)
    return Mend(f"{what}: delete the trunk and make it anew", f"lk sip inbound delete {trunk.sip_trunk_id} && {APPLY}")


def remove_trunk(trunk: SIPInboundTrunkInfo) -> Mend:
    """Delete a trunk."""
    return Mend("delete the trunk that is not wanted", f"lk sip inbound delete {trunk.sip_trunk_id}")


def point_rule(world: World, rule: SIPDispatchRuleInfo, trunk: SIPInboundTrunkInfo | None) -> Mend:
    """Let a rule name a trunk."""
    if is_ours(rule, world.deployment):
        return Mend("write the rule anew", APPLY)
    trunk_id = trunk.sip_trunk_id if trunk else "TRUNK_ID"
    command = f"lk sip dispatch update --id {rule.sip_dispatch_rule_id} --trunks {trunk_id}"
    return Mend("write the id of the trunk into the rule", command)


def rewrite_rule(world: World, rule: SIPDispatchRuleInfo, what: str) -> Mend:
    """Change another field of a rule."""
    if is_ours(rule, world.deployment):
        return Mend(what, APPLY)
    command = f"lk sip dispatch update --id {rule.sip_dispatch_rule_id} rule.json"
    return Mend(f"{what} (rule.json: the whole rule)", command)


def remove_rule(rule: SIPDispatchRuleInfo) -> Mend:
    """Delete a rule."""
    return Mend("delete the rule that is not wanted", f"lk sip dispatch delete {rule.sip_dispatch_rule_id}")
