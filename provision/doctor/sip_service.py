"""Whether somebody at LiveKit takes INVITEs, and whether a worker answers its calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provision.doctor.facts import Facts, Unknown
from provision.doctor.finding import Code, Finding, skipped, well
from provision.routing.why_carrier import deliver
from provision.routing.world import SipService, World
from telephony.dispatch import worker_name

_REDIS, _NODE = "livekit-server", "livekit-sip"


def check_sip_service(facts: Facts) -> Iterator[Finding]:
    """Judge Redis and the SIP node."""
    world = facts.world
    if isinstance(world, Unknown):
        yield skipped(Code.LIVEKIT_REDIS, _REDIS, world.reason)
        yield skipped(Code.SIP_NODE, _NODE, world.reason)
        return
    match world.sip:
        case SipService.NO_REDIS:
            yield _missing(Code.LIVEKIT_REDIS, world)
            yield skipped(Code.SIP_NODE, _NODE, "livekit-server has no SIP service without Redis")
        case SipService.NO_NODE:
            yield well(Code.LIVEKIT_REDIS, _REDIS, "It has its Redis.")
            yield _missing(Code.SIP_NODE, world)
        case SipService.READY:
            yield well(Code.LIVEKIT_REDIS, _REDIS, "It has its Redis.")
            yield well(Code.SIP_NODE, _NODE, "A SIP node answers.")
        case SipService.UNKNOWN:
            yield well(Code.LIVEKIT_REDIS, _REDIS, "It has its Redis.")
            yield skipped(Code.SIP_NODE, _NODE, "the key may read trunks, but not make calls")


def check_worker(facts: Facts) -> Iterator[Finding]:
    """Judge whether a worker has been seen under the agent name of the deployment."""
    agent, world = worker_name(facts.manifest.deployment), facts.world
    subject = f"worker {agent}"
    if isinstance(world, Unknown):
        yield skipped(Code.WORKER, subject, world.reason)
    elif agent in world.seen_agents:
        yield well(Code.WORKER, subject, "A call of this moment is with it.")
    elif agent in world.unserved_agents:
        yield Finding(
            code=Code.WORKER,
            level="error",
            subject=subject,
            sentence="A call waits for it, and no worker of that name has taken it.",
            mend="start a worker",
            command="dialroom worker",
        )
    else:
        reason = "LiveKit tells of workers only while they have calls, and it shows none of this one now"
        yield skipped(Code.WORKER, subject, reason)


def _missing(code: Code, world: World) -> Finding:
    """Say what the route test says of a SIP service that is not there."""
    (cause,) = deliver(world, "").causes
    return Finding(
        code=code, level="error", subject=cause.object, sentence=cause.sentence, mend=cause.mend, command=cause.command
    )
