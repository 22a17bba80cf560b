"""One call from the worker's side: join, prepare while it rings, greet when it is answered, talk, end.

Runs in a job process. What livekit-agents is given of it is module-level, since it reaches the process by pickling.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext, JobProcess, vad

from agent.call import Call, is_forged, read_call
from agent.conversation.prompt import instructions
from agent.logs import keep_errors_as_fields
from agent.prepared import PreparedSpeech
from agent.room_leg import RoomLeg
from agent.session import make_session, make_vad, start_session
from agent.settings import AgentSettings
from agent.speech import make_services
from agent.talk import Talk
from agent.tools import make_tools
from agent.transfer.consultation_room import Access
from agent.transfer.desk import TransferDesk
from agent.transfer.message import keep_message
from agent.turns import Turns
from telephony.call_tag import call_tag
from telephony.dispatch import CALLER, DispatchError, DispatchMetadata, worker_name
from telephony.manifest.agent import AgentProfile
from telephony.manifest.targets import Target

log = logging.getLogger("dialroom.call")

CALLER_TIMEOUT_S: Final = 20.0
CALLER_KINDS: Final = [
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
]
_SEAT: Final = "dialroom.seat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a job process has ready before a call comes."""

    agents: Mapping[str, AgentProfile]
    targets: Mapping[str, Target]
    settings: AgentSettings
    detector: vad.VAD


def prewarm(
    process: JobProcess,
    *,
    agents: Mapping[str, AgentProfile],
    targets: Mapping[str, Target],
    settings: AgentSettings,
) -> None:
    """Load everything that does not depend on the call. Runs in the job process while it waits for one."""
    import agent.warm  # noqa: F401  (done already where processes are forked)

    keep_errors_as_fields()
    process.userdata[_SEAT] = Seat(agents=agents, targets=targets, settings=settings, detector=make_vad(settings))


async def answer(ctx: JobContext) -> None:
    """The job's entrypoint. Whatever goes wrong before the talk, the caller is not left in an empty room."""
    try:
        await _answer(ctx, ctx.proc.userdata[_SEAT])
    except DispatchError:
        log.exception("the dispatch rule does not fit this worker's manifest: run `dialroom provision apply`")
        await _give_up(ctx, "wrong dispatch")
    except Exception:
        log.exception("the call could not be taken")
        await _give_up(ctx, "could not be taken")


async def _answer(ctx: JobContext, seat: Seat) -> None:
    turns, settings = Turns(), seat.settings
    wanted, profile = _wanted(ctx, seat.agents)
    services = make_services(profile, settings)
    session = make_session(services, seat.detector, settings)
    await ctx.connect()
    turns.mark("joined")
    caller = await _caller(ctx)
    if caller is None:
        await _give_up(ctx, "no caller")
        return
    if is_forged(caller.attributes):
        log.warning("a caller who wrote the carrier's range into From")
        await _give_up(ctx, "forged caller")
        return
    if not wanted.admits(caller.attributes.get(CALLER)):
        log.info("a caller whom the manifest does not let in")
        await _give_up(ctx, "caller not allowed")
        return
    call = read_call(
        wanted, attributes=caller.attributes, room=ctx.room.name, identity=caller.identity, job_id=ctx.job.id
    )
    _tell(ctx, call)
    services.tag_call(call.tag)
    prepared = PreparedSpeech(services.tts, voice=services.voice, folder=settings.cache)
    leg = RoomLeg(ctx, identity=call.identity)
    talk = Talk(leg, session, profile=profile, prepared=prepared, turns=turns)
    ctx.room.on("local_track_published", lambda *_: turns.mark("published"))
    desk = _transfer_desk(ctx, seat, call, profile)
    desk.bind(talk)
    agent = Agent(
        instructions=instructions(profile, now=datetime.now(settings.time_zone)),
        tools=[*make_tools(profile, end_call=talk.say_goodbye, time_zone=settings.time_zone), *desk.tools()],
    )
    # livekit-sip answers when this publishes the agent's track.
    await start_session(session, agent, room=ctx.room, caller_identity=call.identity, turn=settings)
    talk.greet_when_answered(resumed=wanted.resumed)


def _transfer_desk(ctx: JobContext, seat: Seat, call: Call, profile: AgentProfile) -> TransferDesk:
    def make(sip_call_id: str) -> AgentSession[None]:
        services = make_services(profile, seat.settings)
        services.tag_call(call_tag(sip_call_id))
        return make_session(services, seat.detector, seat.settings, keeps_hearing=True)

    async def start(session: AgentSession[None], agent: Agent, room: rtc.Room, human: str) -> None:
        await start_session(session, agent, room=room, caller_identity=human, turn=seat.settings)

    def now() -> datetime:
        return datetime.now(seat.settings.time_zone)

    return TransferDesk(
        ctx,
        call=call,
        access=Access(
            url=seat.settings.livekit_url,
            key=seat.settings.livekit_api_key,
            secret=seat.settings.livekit_api_secret.get_secret_value(),
            worker=worker_name(call.deployment),
        ),
        targets=seat.targets,
        offered=profile.transfers,
        now=now,
        keep_message=lambda message: keep_message(seat.settings.messages, call, message, now=now()),
        make_session=make,
        start_session=start,
    )


def _wanted(ctx: JobContext, agents: Mapping[str, AgentProfile]) -> tuple[DispatchMetadata, AgentProfile]:
    wanted = DispatchMetadata.from_json(ctx.job.metadata)
    wanted = replace(wanted, agent=wanted.agent_for(ctx.job.room.name))  # every call has a room of its own
    if wanted.agent not in agents:
        raise DispatchError(f"no agent named {wanted.agent!r} in this worker's manifest")
    return wanted, agents[wanted.agent]


async def _caller(ctx: JobContext) -> rtc.RemoteParticipant | None:
    try:
        return await asyncio.wait_for(ctx.wait_for_participant(kind=CALLER_KINDS), CALLER_TIMEOUT_S)
    except (TimeoutError, RuntimeError):  # RuntimeError: the room was closed meanwhile
        log.warning("no caller came into the room")
        return None


async def _give_up(ctx: JobContext, reason: str) -> None:
    await ctx.delete_room()
    ctx.shutdown(reason)


def _tell(ctx: JobContext, call: Call) -> None:
    ctx.log_context_fields = {"call_id": call.call_id, "agent": call.agent}
    log.info(
        "call taken",
        extra={
            "trunk": call.trunk,
            "tag": call.tag,
            "pii_caller": call.caller,
            "pii_called": call.called,
            "pii_sip_call_id": call.sip_call_id,
            "pii_room": call.room,
        },
    )
