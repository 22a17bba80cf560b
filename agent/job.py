"""One call from the worker's side: join, prepare while it rings, greet when it is answered, talk, end.

Runs in a job process. Everything in it is module-level, since the process is made by pickling a name.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext, JobProcess, vad

from agent.call import Call, read_call
from agent.conversation.prompt import instructions
from agent.prepared import PreparedSpeech
from agent.session import make_agent, make_session, make_vad, room_options
from agent.settings import AgentSettings
from agent.speech import Services, make_services
from agent.talk import Talk
from agent.tools import make_tools
from telephony.dispatch import CALL_STATUS, DispatchError
from telephony.manifest.agent import AgentProfile
from telephony.manifest.load import load_manifest
from telephony.manifest.model import Manifest

log = logging.getLogger("dialroom.call")

MANIFEST: Final = "DIALROOM_MANIFEST"
CALLER_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 180.0  # livekit-sip rings no longer than this
_SEAT: Final = "dialroom.seat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a job process has ready before a call comes."""

    manifest: Manifest
    settings: AgentSettings
    detector: vad.VAD


def prewarm(process: JobProcess) -> None:
    """Load everything that does not depend on the call. Runs in the job process while it waits."""
    settings = AgentSettings.load()
    manifest = load_manifest(Path(os.environ[MANIFEST]), environ=os.environ)
    process.userdata[_SEAT] = Seat(manifest=manifest, settings=settings, detector=make_vad(settings.turn))


async def answer(ctx: JobContext) -> None:
    """The job's entrypoint."""
    seat: Seat = ctx.proc.userdata[_SEAT]
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    caller = await _caller(ctx)
    if caller is None:
        ctx.shutdown("no caller")
        return
    try:
        call = read_call(
            metadata=ctx.job.metadata, attributes=caller.attributes, room=ctx.room.name, identity=caller.identity
        )
        profile = seat.manifest.agents[call.agent]
    except (DispatchError, KeyError):
        log.exception("the dispatch rule does not fit this worker's manifest")
        await ctx.delete_room()
        ctx.shutdown("wrong dispatch")
        return
    ctx.log_context_fields = {"call_id": call.call_id, "agent": call.agent}
    log.info("call taken", extra={"pii_caller": call.caller, "pii_called": call.called, "room": call.room})
    await _talk(ctx, seat, call, profile)


async def _caller(ctx: JobContext) -> rtc.RemoteParticipant | None:
    kinds = [rtc.ParticipantKind.PARTICIPANT_KIND_SIP, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD]
    try:
        return await asyncio.wait_for(ctx.wait_for_participant(kind=kinds), CALLER_TIMEOUT_S)
    except (TimeoutError, RuntimeError):  # RuntimeError: the room was closed meanwhile
        log.warning("no caller came into the room", extra={"room": ctx.room.name})
        return None


async def _talk(ctx: JobContext, seat: Seat, call: Call, profile: AgentProfile) -> None:
    services = make_services(profile, seat.settings, tag=call.tag)
    session = make_session(services, seat.detector, seat.settings.turn)
    talk = Talk(ctx, session, _prepared(services, profile, seat.settings), profile)
    greeting = asyncio.create_task(talk.prepare(profile.greeting))
    agent = make_agent(
        instructions(profile, now=datetime.now().astimezone()), make_tools(profile, end_call=talk.say_goodbye)
    )
    try:
        # livekit-sip answers when this publishes the agent's track.
        await session.start(
            agent, room=ctx.room, room_options=room_options(call.identity, seat.settings.turn), record=False
        )
        await _answered(ctx.room, call.identity)
        await talk.say(profile.greeting, await greeting)
    except CallerGone:
        talk.end("caller left before the answer")
    finally:
        if not greeting.done():
            greeting.cancel()
        with suppress(asyncio.CancelledError):
            await greeting


class CallerGone(Exception):  # noqa: N818  (no error: callers do that)
    """The caller's leg left while it rang."""


async def _answered(room: rtc.Room, identity: str) -> None:
    """Wait until the caller's leg is active: words before that are lost. Raises CallerGone."""
    changed = asyncio.Event()
    room.on("participant_attributes_changed", lambda *_: changed.set())
    room.on("participant_disconnected", lambda *_: changed.set())
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        while True:
            caller = room.remote_participants.get(identity)
            if caller is None:
                raise CallerGone
            # A participant that is no telephone (a browser, a test) has no status.
            if caller.attributes.get(CALL_STATUS, "active") in ("active", "hangup"):
                return
            changed.clear()
            await changed.wait()


def _prepared(services: Services, profile: AgentProfile, settings: AgentSettings) -> PreparedSpeech:
    voice = f"{profile.tts.provider}|{profile.tts.model}|{profile.tts.base_url or settings.deepgram_base_url}"
    return PreparedSpeech(services.tts, voice=voice, folder=settings.cache)
