"""What livekit-sip v1.11.0 makes of one INVITE with livekit-server's answers (pkg/sip/inbound.go). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provision.routing import why_rule, why_trunk
from provision.routing.mends import Mend, rewrite_rule, rule_label, rule_ref, trunk_ref
from provision.routing.refusal import ServerRefusedError
from provision.routing.rooms import room_name
from provision.routing.rule_match import room_of
from provision.routing.server import authenticate, evaluate
from provision.routing.verdict import Cause, Code, Outcome, Ref, Step, distinct

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from provision.routing.call import Invite
    from provision.routing.world import World

_SHADOWS = (Code.CATCH_ALL_TRUNK, Code.RULE_WITHOUT_TRUNK)
_CHALLENGED, _UNAUTHORIZED, _TRY_AGAIN, _REJECTED = 407, 401, 503, 486


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The LiveKit side of a verdict."""

    outcome: Outcome
    status: int | None = None
    trunk: Ref | None = None
    rule: Ref | None = None
    agent: str | None = None
    room_prefix: str | None = None
    steps: tuple[Step, ...] = ()
    causes: tuple[Cause, ...] = ()


def judge(world: World, number: str, invite: Invite, auth: str | None) -> Judged:
    """Follow an INVITE to `number` (E.164) through LiveKit."""
    try:
        trunk = authenticate(world.trunks, invite)
    except ServerRefusedError as error:
        step = Step("LiveKit trunk", False, f"{error}: 503")
        causes = why_trunk.why_refused(world, invite, error)
        return _settled(Judged(outcome=Outcome.REFUSED, status=_TRY_AGAIN, steps=(step,)), causes)
    found = list(why_trunk.why_no_trunk(world, number, invite))
    judged = Judged(outcome=Outcome.DROPPED, steps=(_trunk_step(invite, trunk, found),))
    if trunk is not None:
        judged = replace(judged, trunk=trunk_ref(trunk))
        found += why_trunk.trunk_warnings(world, number, invite, trunk)
        if trunk.auth_username and trunk.auth_password:
            status = None if auth == trunk.auth_username else _UNAUTHORIZED if auth else _CHALLENGED
            judged = _and(judged, Step("password", status is None, f"asked for, {status or 'given'}"))
            if status is not None:
                found.append(why_trunk.why_challenged(world, trunk, auth))
                return _settled(replace(judged, outcome=Outcome.REFUSED, status=status), found)
    return _dispatched(world, invite, trunk, judged, found)


def _dispatched(
    world: World, invite: Invite, trunk: SIPInboundTrunkInfo | None, judged: Judged, found: list[Cause]
) -> Judged:
    try:
        dispatch = evaluate(world.trunks, world.rules, invite, trunk_id=trunk.sip_trunk_id if trunk else "")
    except ServerRefusedError as error:
        judged = _and(judged, Step("LiveKit rule", False, f"{error}: 503"))
        causes = (*found, *why_rule.why_refused(world, error))
        return _settled(replace(judged, outcome=Outcome.REFUSED, status=_TRY_AGAIN), causes)
    rule = dispatch.rule
    if rule is None:
        found += why_rule.why_no_rule(world, invite, trunk)
        return _settled(_and(judged, Step("LiveKit rule", False, "none takes the call")), found)
    found += why_rule.rule_warnings(world, invite, trunk, rule)
    found += why_rule.why_shadowed(world, invite, trunk, rule)
    judged = replace(_and(judged, Step("LiveKit rule", True, f"{_told(rule_ref(rule))} takes it")), rule=rule_ref(rule))
    if dispatch.result == "pin":
        mend = rewrite_rule(world, rule, "take the PIN off the rule")
        sentence = "The rule asks the caller for a PIN before anybody answers."
        found.append(_of_rule(Code.PIN_ASKED, rule, "rule.pin", sentence, mend))
        return _settled(replace(judged, outcome=Outcome.PIN), found)
    return _sent_to_agent(world, invite, rule, judged, found)


def _sent_to_agent(
    world: World, invite: Invite, rule: SIPDispatchRuleInfo, judged: Judged, found: list[Cause]
) -> Judged:
    names = [agent.agent_name for agent in rule.room_config.agents]
    agent = next((name for name in names if name in world.agent_names), names[0] if names else "")
    room = Step("room", True, room_name(rule, invite))
    judged = replace(_and(judged, room), agent=agent or None, room_prefix=room_of(rule))
    expected = " or ".join(name or "without a name" for name in world.agent_names)
    mend = rewrite_rule(world, rule, f"let the rule ask for the agent {expected or 'that answers'}")
    if why_rule.sends_ours(world, rule):
        if agent in world.unserved_agents and agent not in world.seen_agents:
            sentence = f"A call waits for the agent {agent}, and no worker of that name has taken it."
            worker = Mend("start a worker", "dialroom worker")
            found.append(_of_rule(Code.NO_WORKER, rule, "room_config.agents", sentence, worker))
            return _ringing(judged, "no worker has taken the last call", found)
        is_seen = True if agent in world.seen_agents else None
        told = "a worker answers" if is_seen else "whether a worker is there shows only in a call"
        step = Step("agent", is_seen, f"{agent or 'without a name'}: {told}")
        return _settled(replace(_and(judged, step), outcome=Outcome.ANSWERED), found)
    if not agent:
        sentence = "The rule names no agent: nobody is sent into the room, and the call rings until it times out."
        found.append(_of_rule(Code.NO_AGENT, rule, "room_config.agents", sentence, mend))
        return _ringing(judged, "none is asked for", found)
    sentence = f"The rule asks for the agent {', '.join(names)}; the worker here is {expected}."
    found.append(_of_rule(Code.OTHER_AGENT, rule, "room_config.agents", sentence, mend))
    return _ringing(judged, f"{agent} is not ours", found)


def _ringing(judged: Judged, why: str, found: Iterable[Cause]) -> Judged:
    judged = _and(judged, Step("agent", False, why))
    return _settled(replace(judged, outcome=Outcome.RINGS, status=_REJECTED), found)


def _trunk_step(invite: Invite, trunk: SIPInboundTrunkInfo | None, found: list[Cause]) -> Step:
    if trunk is not None:
        return Step("LiveKit trunk", True, f"{_told(trunk_ref(trunk))} takes {invite.to_user}")
    return Step("LiveKit trunk", False, found[0].sentence if found else f"none takes {invite.to_user}")


def _of_rule(code: Code, rule: SIPDispatchRuleInfo, field: str, sentence: str, mend: Mend) -> Cause:
    return Cause(
        code=code, object=rule_label(rule), field=field, sentence=sentence, mend=mend.text, command=mend.command
    )


def _told(ref: Ref) -> str:
    return f"{ref.name or 'one without name'} ({ref.id})"


def _and(judged: Judged, step: Step) -> Judged:
    return replace(judged, steps=(*judged.steps, step))


def _settled(judged: Judged, found: Iterable[Cause]) -> Judged:
    """Beside a call that is answered everything is a warning; beside another one, what took it away is not."""
    causes = distinct(found)
    if judged.outcome is Outcome.ANSWERED:
        causes = tuple(replace(cause, level="warning") for cause in causes)
    else:
        causes = tuple(replace(cause, level="error") if cause.code in _SHADOWS else cause for cause in causes)
    return replace(judged, causes=causes)
