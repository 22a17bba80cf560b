"""The supervisor as it runs: rooms are listed, webhooks point at one, verdicts are carried out."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Final, get_args

import aiohttp
from livekit import api

from agent.departures import RETURN_LIMIT_S
from supervise.judgement import (
    Consultation,
    EndCall,
    Human,
    RemoveHuman,
    Room,
    SendAgent,
    Verdict,
    judge,
    judge_consultation,
)
from telephony.dispatch import CALL_STATUS, DispatchMetadata, worker_name
from telephony.errors import UserError
from telephony.legs import (
    HANDED_OVER,
    LEG,
    LegState,
    consultation_for,
    is_supervised,
    supervised_metadata,
)

log = logging.getLogger("dialroom.supervisor")

LIST_EVERY_S: Final = 2.0
LOOK_AGAIN_S: Final = 0.5
"""How soon a room is looked at again in which somebody is without an agent."""
_AGENT: Final = api.ParticipantInfo.Kind.AGENT
_TELEPHONES: Final = (api.ParticipantInfo.Kind.SIP, api.ParticipantInfo.Kind.STANDARD)
_TROUBLE: Final = (api.ServerError, aiohttp.ClientError, OSError, TimeoutError)


@dataclass(slots=True)
class _Watched:
    """What is remembered of a room. `dispatch` None: no call of ours; `callers_room`: it is a consultation for it."""

    dispatch: api.AgentDispatch | None
    callers_room: str | None = None
    without_agent_since: float | None = None
    sent_at: float | None = None
    sent: int = 0
    one_leg_since: float | None = None


class Watch:
    """Looks after the rooms of one deployment. `look` may be called from outside, whenever something happened in one.

    Nothing is kept that matters: another one that is started goes on.
    """

    def __init__(self, client: api.LiveKitAPI, *, deployment: str) -> None:
        self._client, self._name = client, worker_name(deployment)
        self._watched: dict[str, _Watched] = {}
        self._looking: set[str] = set()
        self._hung_up: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """List rooms for ever; LiveKit may be away for a while."""
        away = False
        while True:
            try:
                listed = await self._client.room.list_rooms(api.ListRoomsRequest())
            except _TROUBLE as error:
                if not away:
                    log.warning("LiveKit does not answer", extra={"error": type(error).__name__})
                away = True
            else:
                away = False
                names = {room.name for room in listed.rooms}
                for gone in self._watched.keys() - names:
                    del self._watched[gone]
                self._hung_up = {room: at for room, at in self._hung_up.items() if room in names}
                for room in listed.rooms:
                    self.look(room.name)
            await asyncio.sleep(LIST_EVERY_S)

    def hung_up(self, room: str) -> None:
        """Note that somebody has left a room for good just now."""
        self._hung_up[room] = time.monotonic()

    def look(self, room: str) -> None:
        """Look into a room soon. Returns at once."""
        if room and room not in self._looking:
            self._looking.add(room)
            task = asyncio.create_task(self._look(room))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look(self, room: str) -> None:
        again = False
        try:
            again = await self._look_once(room)
        except _TROUBLE as error:
            log.warning("a room could not be looked at", extra={"error": type(error).__name__})
        finally:
            self._looking.discard(room)
        if again:
            await asyncio.sleep(LOOK_AGAIN_S)
            self.look(room)

    async def _look_once(self, room: str) -> bool:
        """Do what is to be done, and say whether the room wants another look soon."""
        watched = self._watched.get(room) or await self._begin(room)
        if watched is not None and watched.callers_room is not None:
            return await self._look_at_consultation(room, watched, watched.callers_room)
        if watched is None or watched.dispatch is None:
            return False
        listed = await self._client.room.list_participants(api.ListParticipantsRequest(room=room))
        seen, now_s = view(listed.participants), time.monotonic()
        if seen.agents:
            watched.without_agent_since = watched.sent_at = None
            return False
        self._look_beside(room)
        if watched.without_agent_since is None:
            watched.without_agent_since = now_s
        verdict = judge(
            seen,
            without_agent_s=now_s - watched.without_agent_since,
            sent_s=None if watched.sent_at is None else now_s - watched.sent_at,
            sent=watched.sent,
        )
        if verdict == EndCall("one leg left") and self._may_come_again(room, watched, now_s):
            return True
        await _if_still_there(self._carry_out(room, watched, verdict))
        return verdict is not None or (seen.caller is not None and seen.answered and not seen.humans)

    def _may_come_again(self, room: str, watched: _Watched, now_s: float) -> bool:
        """Say whether a leg that is missing may be one that LiveKit made join anew: nobody told that it hung up."""
        if now_s - self._hung_up.get(room, -math.inf) < RETURN_LIMIT_S:
            return False
        if watched.one_leg_since is None or now_s - watched.one_leg_since > 2 * RETURN_LIMIT_S:
            watched.one_leg_since = now_s
        return now_s - watched.one_leg_since < RETURN_LIMIT_S

    def _look_beside(self, callers_room: str) -> None:
        for room, watched in self._watched.items():
            if watched.callers_room == callers_room:
                self.look(room)

    async def _look_at_consultation(self, room: str, watched: _Watched, callers_room: str) -> bool:
        here, there = await self._participants(room), await self._participants(callers_room)
        seen = Consultation(agents=_agents(here), leading=_agents(there), humans=len(view(here).humans))
        verdict = judge_consultation(seen)
        await _if_still_there(self._carry_out(room, watched, verdict))
        return False

    async def _participants(self, room: str) -> list[api.ParticipantInfo]:
        """Return who is in a room; nobody is in one that is gone."""
        try:
            listed = await self._client.room.list_participants(api.ListParticipantsRequest(room=room))
        except api.ServerError as error:
            if error.code != "not_found":
                raise
            return []
        return list(listed.participants)

    async def _begin(self, room: str) -> _Watched | None:
        """Take a room under watch, and tell its agent so. None: it has no dispatch yet, or is gone."""
        found = await self._client.agent_dispatch.list_dispatch(room)
        if not found:
            return None
        ours = [dispatch for dispatch in found if dispatch.agent_name == self._name]
        if ours:
            watched = _Watched(ours[0])
            await self._mark(room)
        else:
            watched = _Watched(None, await self._callers_room(room))
        self._watched[room] = watched
        return watched

    async def _callers_room(self, room: str) -> str | None:
        rooms = await self._client.room.list_rooms(api.ListRoomsRequest(names=[room]))
        return next((consultation_for(found.metadata, self._name) for found in rooms.rooms), None)

    async def _mark(self, room: str) -> None:
        rooms = await self._client.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if any(not is_supervised(found.metadata) for found in rooms.rooms):
            marked = api.UpdateRoomMetadataRequest(room=room, metadata=supervised_metadata())
            await _if_still_there(self._client.room.update_room_metadata(marked))

    async def _carry_out(self, room: str, watched: _Watched, verdict: Verdict) -> None:
        match verdict:
            case None:
                return
            case EndCall(why):
                log.info("call ended by the supervisor", extra={"why": why, "pii_room": room})
                await self._client.room.delete_room(api.DeleteRoomRequest(room=room))
                self._watched.pop(room, None)
            case RemoveHuman(identity):
                log.warning("a consultation without an agent is ended", extra={"pii_room": room})
                who = api.RoomParticipantIdentity(room=room, identity=identity)
                await self._client.room.remove_participant(who)
            case SendAgent(caller):
                log.warning("a caller without an agent gets another one", extra={"pii_room": room})
                await self._let_hear(room, caller)
                await self._send(room, watched)

    async def _let_hear(self, room: str, caller: str) -> None:
        who = api.RoomParticipantIdentity(room=room, identity=caller)
        permission = (await self._client.room.get_participant(who)).permission
        if not permission.can_subscribe:
            permission.can_subscribe = True
            await self._client.room.update_participant(
                api.UpdateParticipantRequest(room=room, identity=caller, permission=permission)
            )

    async def _send(self, room: str, watched: _Watched) -> None:
        assert watched.dispatch is not None
        watched.sent_at, watched.sent = time.monotonic(), watched.sent + 1
        request = api.CreateAgentDispatchRequest(
            room=room, agent_name=self._name, metadata=resumed_metadata(watched.dispatch.metadata)
        )
        await self._client.agent_dispatch.create_dispatch(request)


def _agents(participants: Iterable[api.ParticipantInfo]) -> frozenset[str]:
    gone = api.ParticipantInfo.State.DISCONNECTED
    return frozenset(one.identity for one in participants if one.kind == _AGENT and one.state != gone)


def view(participants: Iterable[api.ParticipantInfo]) -> Room:
    """Return a room as the judge sees it."""
    agents, caller, answered, handed_over, humans = 0, None, False, False, []
    for there in participants:
        if there.state == api.ParticipantInfo.State.DISCONNECTED:
            continue
        if there.kind == _AGENT:
            agents += 1
        elif there.kind in _TELEPHONES:
            state = there.attributes.get(LEG, "")
            if state:
                humans.append(Human(identity=there.identity, state=_leg_state(state)))
            elif caller is None:
                caller = there.identity
                handed_over = bool(there.attributes.get(HANDED_OVER))
                answered = there.attributes.get(CALL_STATUS, "active") == "active"
    return Room(agents=agents, caller=caller, answered=answered, handed_over=handed_over, humans=tuple(humans))


def resumed_metadata(metadata: str) -> str:
    """Return a dispatch's metadata for an agent that comes into a running call. What is not ours stays as it is."""
    try:
        DispatchMetadata.from_json(metadata)
    except UserError:
        return metadata
    return json.dumps(json.loads(metadata) | {"resumed": True}, sort_keys=True, separators=(",", ":"))


def _leg_state(text: str) -> LegState:
    return "bridged" if text == get_args(LegState)[1] else "consulted"


async def _if_still_there(work: Awaitable[object]) -> None:
    try:
        await work
    except api.ServerError as error:
        if error.code != "not_found":
            raise
