"""What is wrong with LiveKit's inbound trunks, whatever number is called. Pure.

Where the calls of one number go is the route test's question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from provision.doctor.concern import of_trunk, trunk_level
from provision.doctor.facts import Facts, Unknown
from provision.doctor.finding import Code, Finding, Level, counted, or_well, skipped
from provision.doctor.trunk_addresses import weakness
from provision.routing import mends
from provision.routing.mends import is_ours
from provision.routing.why_trunk import why_challenged

if TYPE_CHECKING:
    from livekit.api import SIPInboundTrunkInfo

    from provision.routing.world import World

SUBJECT: Final = "LiveKit trunks"
_Check = Callable[["World", "SIPInboundTrunkInfo"], Iterator[Finding]]


def check_trunks(facts: Facts) -> Iterator[Finding]:
    """Judge all inbound trunks, ours and others."""
    world = facts.sip_objects
    for code, (check, good) in _CHECKS.items():
        if isinstance(world, Unknown):
            yield skipped(code, SUBJECT, world.reason)
        else:
            found = (finding for trunk in world.trunks for finding in check(world, trunk))
            yield from or_well(found, code, SUBJECT, f"{counted(len(world.trunks), 'trunk')}: {good}.")


def has_password(trunk: SIPInboundTrunkInfo) -> bool:
    """Say whether a trunk asks for a password; user name or password alone ask for nothing."""
    return bool(trunk.auth_username and trunk.auth_password)


def _numbers(world: World, trunk: SIPInboundTrunkInfo) -> Iterator[Finding]:
    if trunk.numbers:
        return
    sentence = "It lists no number, and so takes the calls to every number that no other trunk takes."
    mend = mends.rewrite_trunk(world, trunk, "list the numbers that it is for", is_declared=True)
    level: Level = "error" if is_ours(trunk, world.deployment) else "warning"
    yield of_trunk(Code.TRUNK_NUMBERS, level, trunk, sentence, mend)


def _addresses(world: World, trunk: SIPInboundTrunkInfo) -> Iterator[Finding]:
    sentence = None if has_password(trunk) else weakness(trunk.allowed_addresses)
    if sentence:
        mend = mends.rewrite_trunk(world, trunk, "allow the carrier's addresses as ranges", is_declared=True)
        yield of_trunk(Code.TRUNK_ADDRESSES, trunk_level(world, trunk), trunk, sentence, mend)


def _password(world: World, trunk: SIPInboundTrunkInfo) -> Iterator[Finding]:
    if has_password(trunk):
        if is_ours(trunk, world.deployment):
            cause = why_challenged(world, trunk, None)
            mend = mends.Mend(cause.mend, cause.command)
            yield of_trunk(Code.TRUNK_PASSWORD, "error", trunk, cause.sentence, mend)
    elif trunk.auth_username or trunk.auth_password:
        there, missing = ("user name", "password") if trunk.auth_username else ("password", "user name")
        sentence = f"It has a {there} but no {missing}, so nobody is asked for either."
        mend = mends.rewrite_trunk(world, trunk, "set both or none")
        yield of_trunk(Code.TRUNK_PASSWORD, "warning", trunk, sentence, mend)


def _callers(world: World, trunk: SIPInboundTrunkInfo) -> Iterator[Finding]:
    if trunk.allowed_numbers and is_ours(trunk, world.deployment):
        sentence = f"Only {counted(len(trunk.allowed_numbers), 'caller')} may call by it; other calls are dropped."
        mend = mends.rewrite_trunk(world, trunk, "empty the caller list")
        yield of_trunk(Code.TRUNK_CALLERS, "error", trunk, sentence, mend)


def _rule(world: World, trunk: SIPInboundTrunkInfo) -> Iterator[Finding]:
    if any(not rule.trunk_ids or trunk.sip_trunk_id in rule.trunk_ids for rule in world.rules):
        return
    known = is_ours(trunk, world.deployment)
    text = "make a rule that names it" + ("" if known else " (rule.json: the whole rule)")
    mend = mends.Mend(text, mends.APPLY if known else "lk sip dispatch create rule.json")
    sentence = "No rule takes its calls: callers hear one ring and then nothing."
    yield of_trunk(Code.TRUNK_RULE, "error" if known else "warning", trunk, sentence, mend)


_CHECKS: Final[dict[Code, tuple[_Check, str]]] = {
    Code.TRUNK_NUMBERS: (_numbers, "each lists its numbers"),
    Code.TRUNK_ADDRESSES: (_addresses, "each lets in only ranges of addresses, or asks for a password"),
    Code.TRUNK_PASSWORD: (_password, "none of ours asks for a password, none is half set"),
    Code.TRUNK_CALLERS: (_callers, "none of ours keeps callers out"),
    Code.TRUNK_RULE: (_rule, "each has a rule"),
}
