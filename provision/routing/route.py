"""The verdict about a call. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from provision.routing.judge import Judged, judge
from provision.routing.verdict import Cause, Code, Outcome, Variant, Verdict, distinct
from provision.routing.why_carrier import deliver
from provision.routing.why_trunk import in_other_form, number_form
from provision.routing.world import SipService

if TYPE_CHECKING:
    from provision.routing.call import Call, Invite
    from provision.routing.world import World


def route(world: World, call: Call) -> Verdict:
    """Say where a call goes, hop by hop, and what is wrong.

    A call that the carrier does not deliver is followed through LiveKit all the same, as if it had arrived. Other ways
    in which it may arrive, and that end otherwise, are told in `variants` and in warnings.
    """
    delivery = deliver(world, call.number)
    judged = _judge(world, call, call.invite)
    others = [(invite, _judge(world, call, invite)) for invite in call.variants]
    differing = [(invite, other) for invite, other in others if other.outcome is not judged.outcome]
    is_lost = delivery.is_delivered is False
    warnings = _warnings(world, call, differing) if judged.outcome is Outcome.ANSWERED else ()
    return Verdict(
        number=call.number,
        to_form=call.invite.to_user,
        source_ip=call.source_ip,
        outcome=Outcome.LOST if is_lost else judged.outcome,
        status=None if is_lost else judged.status,
        trunk=judged.trunk,
        rule=judged.rule,
        agent=judged.agent,
        room_prefix=judged.room_prefix,
        steps=(*delivery.steps, *judged.steps),
        causes=tuple(sorted(distinct((*delivery.causes, *judged.causes, *warnings)), key=_is_warning)),
        variants=tuple(
            Variant(to_form=invite.to_user, source_ip=invite.source_ip, outcome=other.outcome)
            for invite, other in others
        ),
    )


def _warnings(world: World, call: Call, differing: Sequence[tuple[Invite, Judged]]) -> Iterator[Cause]:
    """What is wrong with the other ways; forms that a trunk lacks are told together."""
    for trunk in world.trunks:
        lacking = [invite for invite, _ in differing if trunk in in_other_form(world, call.number, invite)]
        if lacking:
            forms = list(dict.fromkeys(invite.to_user for invite in lacking))
            yield replace(number_form(world, trunk, call.number, forms), level="warning")
    for _, other in differing:
        for cause in other.causes:
            if cause.level == "error" and cause.code is not Code.NUMBER_FORM:
                yield replace(cause, level="warning")


def _is_warning(cause: Cause) -> bool:
    return cause.level == "warning"


def _judge(world: World, call: Call, invite: Invite) -> Judged:
    if world.sip is SipService.NO_REDIS:
        return Judged(outcome=Outcome.LOST)  # trunks and rules are not even kept
    return judge(world, call.number, invite, call.auth)
