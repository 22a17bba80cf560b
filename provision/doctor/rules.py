"""What is wrong with LiveKit's dispatch rules, whatever number is called. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from provision.doctor.concern import of_rule, rule_level
from provision.doctor.facts import Facts, Unknown
from provision.doctor.finding import Code, Finding, Level, counted, or_well, skipped
from provision.routing import mends
from provision.routing.mends import is_ours, rule_label
from provision.routing.refusal import ServerRefusedError
from provision.routing.rule_match import check_rules as check_against_each_other

if TYPE_CHECKING:
    from provision.routing.world import World

SUBJECT: Final = "LiveKit rules"
_Check = Callable[["World"], Iterator[Finding]]


def check_rules(facts: Facts) -> Iterator[Finding]:
    """Judge all dispatch rules, ours and others."""
    world = facts.sip_objects
    for code, (check, good) in _CHECKS.items():
        if isinstance(world, Unknown):
            yield skipped(code, SUBJECT, world.reason)
        else:
            yield from or_well(check(world), code, SUBJECT, f"{counted(len(world.rules), 'rule')}: {good}.")


def _without_trunks(world: World) -> Iterator[Finding]:
    for rule in world.rules:
        if not rule.trunk_ids:
            sentence = "It names no trunk: it answers anybody's calls, to any number that no trunk has."
            mend = mends.point_rule(world, rule, None)
            yield of_rule(Code.RULE_TRUNKS, rule_level(world, rule), rule, sentence, mend)


def _missing_trunks(world: World) -> Iterator[Finding]:
    known = {trunk.sip_trunk_id for trunk in world.trunks}
    for rule in world.rules:
        missing = [trunk_id for trunk_id in rule.trunk_ids if trunk_id not in known]
        if missing:
            is_dead = len(missing) == len(rule.trunk_ids)
            sentence = f"No trunk has the id {', '.join(missing)}" + (": it never takes a call." if is_dead else ".")
            level: Level = rule_level(world, rule) if is_dead else "warning"
            mend = mends.point_rule(world, rule, None)
            if is_dead and not is_ours(rule, world.deployment):
                mend = mends.remove_rule(rule)
            yield of_rule(Code.RULE_TRUNK_UNKNOWN, level, rule, sentence, mend)


def _hiding_callers(world: World) -> Iterator[Finding]:
    for rule in world.rules:
        if rule.hide_phone_number:
            sentence = (
                "It hides numbers: the first caller without one ends livekit-server 1.13.5, and all calls with it."
            )
            mend = mends.rewrite_rule(world, rule, "let the rule show numbers")
            yield of_rule(Code.RULE_HIDES_CALLER, "error", rule, sentence, mend)


def _contradicting(world: World) -> Iterator[Finding]:
    """The first contradiction: LiveKit looks no further either."""
    try:
        check_against_each_other(world.rules)
    except ServerRefusedError as error:
        named = [rule for rule in world.rules if rule.sip_dispatch_rule_id in error.ids]
        others = [rule for rule in named if not is_ours(rule, world.deployment)]
        rule = (others or named)[-1]
        if len(named) == 1:
            sentence = f"LiveKit refuses the calls that it is asked about (503): {error}."
            mend = mends.rewrite_rule(world, rule, "write it anew, with each number in one form")
        else:
            labels = " and ".join(rule_label(each) for each in named)
            sentence = f"{labels} cannot stand together: LiveKit refuses the calls that they are asked about (503)."
            mend = mends.remove_rule(rule)
        yield of_rule(Code.RULES_CONTRADICT, "error", rule, sentence, mend)


_CHECKS: Final[dict[Code, tuple[_Check, str]]] = {
    Code.RULE_TRUNKS: (_without_trunks, "each names its trunks"),
    Code.RULE_TRUNK_UNKNOWN: (_missing_trunks, "the trunks that they name are there"),
    Code.RULE_HIDES_CALLER: (_hiding_callers, "none hides numbers"),
    Code.RULES_CONTRADICT: (_contradicting, "none contradicts another"),
}
