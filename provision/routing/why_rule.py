"""Why no rule takes a call, or not the right one, and what is doubtful about the one that does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.routing import mends
from provision.routing.mends import rule_label, trunk_label
from provision.routing.rule_match import obstacle, pin_of
from provision.routing.verdict import Cause, Code, Level

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from provision.routing.call import Invite
    from provision.routing.refusal import ServerRefusedError
    from provision.routing.world import World


def why_no_rule(world: World, invite: Invite, trunk: SIPInboundTrunkInfo | None) -> Iterator[Cause]:
    """Say why no rule of the trunk takes a call; without a trunk, why no rule of every trunk does."""
    if trunk is None:
        for rule in world.rules:
            if not rule.trunk_ids:
                yield from _filtered(world, invite, rule)
        return
    naming = [rule for rule in world.rules if trunk.sip_trunk_id in rule.trunk_ids]
    for rule in naming or [rule for rule in world.rules if not rule.trunk_ids]:
        yield from _filtered(world, invite, rule)
    if naming:
        return
    known = {known.sip_trunk_id for known in world.trunks}
    lost = [rule for rule in world.rules if rule.trunk_ids and not known.intersection(rule.trunk_ids)]
    for rule in [rule for rule in lost if sends_ours(world, rule)] or lost:
        sentence = f"No trunk has the id {', '.join(rule.trunk_ids)}; the trunk of this number is {trunk.sip_trunk_id}."
        yield _cause(Code.RULE_TRUNK_UNKNOWN, rule, "trunk_ids", sentence, mends.point_rule(world, rule, trunk))
    if not lost:
        mend = mends.rewrite_trunk(world, trunk, "make a rule that names the trunk", is_declared=True)
        if not mends.is_ours(trunk, world.deployment):
            text = f"make a rule with trunk_ids {trunk.sip_trunk_id} and an agent (rule.json: the whole rule)"
            mend = mends.Mend(text, "lk sip dispatch create rule.json")
        yield Cause(
            code=Code.TRUNK_WITHOUT_RULE,
            object=trunk_label(trunk),
            field="dispatch rules",
            sentence=f"No rule names the trunk {trunk.sip_trunk_id}.",
            mend=mend.text,
            command=mend.command,
        )


def why_refused(world: World, error: ServerRefusedError) -> Iterator[Cause]:
    """Say why livekit-server answers the question for the rule with an error."""
    found = [rule for rule in world.rules if rule.sip_dispatch_rule_id in error.ids]
    ours = [rule for rule in found if mends.is_ours(rule, world.deployment)]
    rule = next((rule for rule in found if rule not in ours), found[0])
    if error.code == "panic":
        sentence = "A caller without number ends livekit-server while this rule hides numbers: every call ends with it."
        mend = mends.rewrite_rule(world, rule, "let the rule show numbers")
        yield _cause(Code.HIDDEN_CALLER, rule, "hide_phone_number", sentence, mend)
        return
    if len(found) == 1:
        sentence = (
            "The rule contradicts itself: a number or a trunk stands twice in it, in forms that compare as equal."
        )
        mend = mends.rewrite_rule(world, rule, "name each number and trunk once")
    else:
        names = " and ".join(rule_label(one) for one in found)
        sentence = f"{names} say different things about the same trunk, numbers and PIN: LiveKit refuses to choose."
        mend = mends.remove_rule(rule)
    yield _cause(Code.RULES_CONTRADICT, rule, "trunk_ids", sentence, mend)


def rule_warnings(
    world: World, invite: Invite, trunk: SIPInboundTrunkInfo | None, rule: SIPDispatchRuleInfo
) -> Iterator[Cause]:
    """Say what is doubtful about the rule that takes a call."""
    if not rule.trunk_ids:
        sentence = "The rule names no trunk: it answers anybody's calls, to any number that no trunk has."
        mend = mends.point_rule(world, rule, trunk)
        yield _cause(Code.RULE_WITHOUT_TRUNK, rule, "trunk_ids", sentence, mend, level="warning")
        if trunk is not None:
            yield from why_no_rule(world, invite, trunk)
    if rule.hide_phone_number:
        sentence = (
            "The rule hides numbers: the first caller without one ends livekit-server 1.13.5, and all calls with it."
        )
        mend = mends.rewrite_rule(world, rule, "let the rule show numbers")
        yield _cause(Code.HIDDEN_CALLER, rule, "hide_phone_number", sentence, mend, level="warning")


def why_shadowed(
    world: World, invite: Invite, trunk: SIPInboundTrunkInfo | None, rule: SIPDispatchRuleInfo
) -> Iterator[Cause]:
    """Say which rule of ours would take the call, if `rule` did not go before it."""
    if trunk is None or sends_ours(world, rule):
        return
    for other in world.rules:
        if sends_ours(world, other) and trunk.sip_trunk_id in other.trunk_ids and obstacle(other, invite) is None:
            field = "rule" if not pin_of(rule) else f"rule.{rule.rule.WhichOneof('rule')}.pin"
            sentence = f"The rule goes before {rule_label(other)}, which would send the call to our agent."
            yield _cause(Code.RULE_SHADOWED, rule, field, sentence, mends.remove_rule(rule))


def sends_ours(world: World, rule: SIPDispatchRuleInfo) -> bool:
    """Say whether a rule asks for an agent that answers for us; any named one does when none is expected."""
    asked = {agent.agent_name for agent in rule.room_config.agents} or {""}
    return bool(asked.intersection(world.agent_names)) if world.agent_names else bool(asked - {""})


def _filtered(world: World, invite: Invite, rule: SIPDispatchRuleInfo) -> Iterator[Cause]:
    field = obstacle(rule, invite)
    if field == "inbound_numbers":
        caller = invite.from_user or "a caller without number"
        sentence = f"The rule takes callers written exactly as {', '.join(rule.inbound_numbers)}, not {caller}."
        yield _cause(
            Code.CALLER_FILTER, rule, field, sentence, mends.rewrite_rule(world, rule, "empty the caller list")
        )
    elif field == "numbers":
        sentence = f"The rule takes numbers written exactly as {', '.join(rule.numbers)}, not {invite.to_user}."
        mend = mends.rewrite_rule(world, rule, "empty the number list; the trunk has the numbers")
        yield _cause(Code.CALLED_FILTER, rule, field, sentence, mend)


def _cause(
    code: Code, rule: SIPDispatchRuleInfo, field: str, sentence: str, mend: mends.Mend, *, level: Level = "error"
) -> Cause:
    return Cause(
        code=code,
        object=rule_label(rule),
        field=field,
        sentence=sentence,
        mend=mend.text,
        command=mend.command,
        level=level,
    )
