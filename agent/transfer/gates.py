"""Who hears whom while a human is dialled into the caller's room, closed first and opened only when that is confirmed.

livekit-sip subscribes its legs to every track by itself, and livekit-server forgets an unsubscribe that comes before
that, and says success (livekit-server 1.13.5 ``pkg/rtc/subscriptionmanager.go``, livekit-sip ``pkg/sip/room.go``). So
the caller's leg may hear nothing at all while the human's track comes up, and is unsubscribed from it several times
before it may hear again. The agent's own tracks go to whom a list names: it is closed for every later track.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from livekit import api, rtc

from telephony.legs import HANDED_OVER, LEG

AGAIN_S: Final = (0.0, 0.1, 0.3, 0.7)
"""When an unsubscribe is sent, after the track was seen. The last one comes after the leg's own subscribe."""
SETTLED_S: Final = 0.1
GUARD_EVERY_S: Final = 0.05
"""While a briefing lasts the caller is unsubscribed anew this often. A leg that resumes its connection, or whose own
subscribe is late, opens the gate by itself; sound comes through it some 0.1 s after that.
"""
BOTH_WAYS_S: Final = 1.0
"""So long after the answer, and from then on so often, the other direction is closed, too."""


class Gates:
    """The gates of one room. Every method raises api.ServerError, OSError or TimeoutError when it is not confirmed."""

    def __init__(self, room: rtc.Room, client: api.LiveKitAPI, *, caller: str) -> None:
        self._room, self._client, self._caller = room, client, caller
        self._permission: api.ParticipantPermission | None = None
        self._one_by_one = asyncio.Lock()  # what was asked for last is what holds

    def list_tracks(self, allowed: Mapping[str, Iterable[str]]) -> None:
        """Let each identity hear these tracks of the agent (sids), and nobody anything else, now or later."""
        self._room.local_participant.set_track_subscription_permissions(
            allow_all_participants=False,
            participant_permissions=[
                rtc.ParticipantTrackPermission(participant_identity=who, allow_all=False, allowed_track_sids=list(sids))
                for who, sids in allowed.items()
            ],
        )

    async def close_caller(self) -> None:
        """Let the caller's leg hear nothing."""
        await self._set_caller(may_hear=False)

    async def let_caller_hear(self) -> None:
        """Let the caller's leg hear again what it is subscribed to."""
        await self._set_caller(may_hear=True)

    async def shut_out(self, human: str) -> None:
        """Unsubscribe caller and human from each other until that holds. The human's track must be there."""
        for pause_s, before_s in zip(AGAIN_S, (0.0, *AGAIN_S), strict=False):
            await asyncio.sleep(pause_s - before_s)
            await self.part(human)
        await asyncio.sleep(SETTLED_S)

    async def mute(self, human: str, *, muted: bool) -> None:
        """Let nobody hear the human, at the server, or let them be heard; their keys arrive all the same.

        Opening again needs ``room.enable_remote_unmute: true`` at livekit-server.
        """
        for sid in self._tracks_of(human):
            await self._client.room.mute_published_track(
                api.MuteRoomTrackRequest(room=self._room.name, identity=human, track_sid=sid, muted=muted)
            )

    async def part(self, human: str) -> None:
        """Unsubscribe caller and human from each other, once."""
        await asyncio.gather(self._subscribe(self._caller, human, False), self._subscribe(human, self._caller, False))

    async def keep_apart(self, human: str) -> None:
        """Unsubscribe the caller from the human once more, soon after whatever may have subscribed them."""
        await self._subscribe(self._caller, human, False)

    async def merge(self, human: str) -> None:
        """Let caller and human hear each other."""
        await self.let_caller_hear()
        await asyncio.gather(self._subscribe(self._caller, human, True), self._subscribe(human, self._caller, True))

    async def mark_bridged(self, human: str) -> None:
        """Note in the room that both talk: from now on the call needs no agent."""
        for who, attributes in ((human, {LEG: "bridged"}), (self._caller, {HANDED_OVER: "yes"})):
            await self._client.room.update_participant(
                api.UpdateParticipantRequest(room=self._room.name, identity=who, attributes=attributes)
            )

    async def _subscribe(self, listener: str, speaker: str, subscribe: bool) -> None:
        sids = self._tracks_of(speaker)
        if not sids or listener not in self._room.remote_participants:
            return
        await self._client.room.update_subscriptions(
            api.UpdateSubscriptionsRequest(
                room=self._room.name, identity=listener, track_sids=sids, subscribe=subscribe
            )
        )

    def _tracks_of(self, identity: str) -> list[str]:
        there = self._room.remote_participants.get(identity)
        return [] if there is None else list(there.track_publications)

    async def _set_caller(self, *, may_hear: bool) -> None:
        async with self._one_by_one:
            await self._set_caller_now(may_hear=may_hear)

    async def _set_caller_now(self, *, may_hear: bool) -> None:
        if self._permission is None:
            asked = api.RoomParticipantIdentity(room=self._room.name, identity=self._caller)
            self._permission = (await self._client.room.get_participant(asked)).permission
        wanted = api.ParticipantPermission()
        wanted.CopyFrom(self._permission)
        wanted.can_subscribe = may_hear
        await self._client.room.update_participant(
            api.UpdateParticipantRequest(room=self._room.name, identity=self._caller, permission=wanted)
        )
