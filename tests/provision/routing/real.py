"""The real livekit-server's opinion about a call beside the imitation's: the two questions that a SIP node asks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from livekit import api

from lab.gateway.iosip import Question, ask_dispatch, ask_trunk
from lab.psrpc.client import PsrpcClient
from lab.psrpc.errors import PsrpcError
from lab.psrpc.messages import ACCEPT, DROP, REQUEST_PIN
from provision.routing.call import Invite
from provision.routing.refusal import ServerRefusedError
from provision.routing.rooms import RANDOM, room_name
from provision.routing.server import authenticate, evaluate
from telephony.sip_uri import SipUri

_RESULTS = {ACCEPT: "accept", REQUEST_PIN: "pin", DROP: "drop"}
_RANDOM = re.compile(r"_[A-Za-z0-9]{12}$")


@dataclass(frozen=True)
class Opinion:
    """What is compared: the trunk of the first question; result, trunk, rule and room of the second; or an error."""

    trunk: str = ""
    username: str = ""
    result: str = ""
    dispatched_by: str = ""
    rule: str = ""
    room: str = ""
    agents: tuple[str, ...] = ()
    error: str = ""


async def ask_real(io: PsrpcClient, invite: Invite) -> Opinion:
    """Ask the server with the gateway's own functions."""
    question = Question(
        call_id="SCL_asked",
        sip_call_id="one",
        caller=SipUri(user=invite.from_user, host=invite.from_host),
        called=SipUri(user=invite.to_user, host="sip.lotus.in"),
        source_ip=invite.source_ip,
    )
    try:
        trunk = await ask_trunk(io, question)
        answer = await ask_dispatch(io, question, trunk.sip_trunk_id)
    except PsrpcError as error:
        # psrpc has `unknown` for all of these; twirp's own code stands in the text.
        codes = ("invalid_argument", "failed_precondition")
        return Opinion(error=next((code for code in codes if code in error.message), error.message))
    return Opinion(
        trunk=trunk.sip_trunk_id,
        username=trunk.username,
        result=_RESULTS[answer.result],
        dispatched_by=answer.sip_trunk_id,
        rule=answer.sip_dispatch_rule_id,
        room=_room(answer.room_name, invite),
        agents=tuple(agent.agent_name for agent in answer.room_config.agents),
    )


def ask_imitation(
    trunks: list[api.SIPInboundTrunkInfo], rules: list[api.SIPDispatchRuleInfo], invite: Invite
) -> Opinion:
    """Ask `provision.routing.server` the same."""
    try:
        trunk = authenticate(trunks, invite)
        found = evaluate(trunks, rules, invite, trunk_id=trunk.sip_trunk_id if trunk else "")
    except ServerRefusedError as error:
        return Opinion(error=error.code)
    taken = found.rule if found.result == "accept" else None
    return Opinion(
        trunk=trunk.sip_trunk_id if trunk else "",
        username=trunk.auth_username if trunk else "",
        result=found.result,
        dispatched_by=found.trunk.sip_trunk_id if found.trunk else "",
        rule=found.rule.sip_dispatch_rule_id if found.rule else "",
        room=room_name(taken, invite) if taken else "",
        agents=tuple(agent.agent_name for agent in taken.room_config.agents) if taken else (),
    )


def _room(name: str, invite: Invite) -> str:
    """Take the random part out of a room's name; a number of twelve digits looks like one."""
    return name if name.endswith((f"_{invite.to_user}", f"_{invite.from_user}")) else _RANDOM.sub(f"_{RANDOM}", name)
