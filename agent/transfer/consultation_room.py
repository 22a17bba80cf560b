"""The strategies `redial` and `cloud_move`: a human is asked in a room of their own, which the caller is never in.

No agent is dispatched into the room. It is deleted at every end; when the agent has died, by the supervisor, who knows
it by its metadata.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from livekit import api, rtc

from agent.transfer.gates import Gates
from agent.transfer.leg import HumanLeg
from telephony.legs import NOBODY, consultation_metadata
from telephony.manifest.targets import Mode

log = logging.getLogger("dialroom.transfer")

OPEN_LIMIT_S: Final = 4.0
TOKEN_TTL: Final = timedelta(seconds=30)
"""For joining; LiveKit renews it for whoever is there."""
EMPTY_TIMEOUT_S: Final = 20
DEPARTURE_TIMEOUT_S: Final = 5
DELETE_TRIES: Final = 3
DELETE_AGAIN_S: Final = 0.5
LOOK_EVERY_S: Final = 0.02
_CLOUD: Final = ".livekit.cloud"
_TROUBLE: Final = (api.ServerError, aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """LiveKit's address and the project's key: what a second connection of the agent needs.

    `worker` is LiveKit's name of the deployment's agents.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    worker: str

    @property
    def is_cloud(self) -> bool:
        """Whether the server is LiveKit Cloud's."""
        return (urlsplit(self.url).hostname or "").endswith(_CLOUD)

    def token(self, room: str, identity: str) -> str:
        """Return a token to be heard in one room, and to hear: no data, no administration, for `TOKEN_TTL`.

        The framework writes the agent's state into attributes of its own, hence `can_update_own_metadata`.
        """
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish_sources=["microphone"],
            can_publish_data=False,
            can_update_own_metadata=True,
        )
        token = api.AccessToken(self.key, self.secret).with_identity(identity).with_kind("agent")
        return token.with_ttl(TOKEN_TTL).with_grants(grants).to_jwt()


class ConsultationRoom:
    """A room beside the caller's as a `Place`, for one human. The agent is in both under the same identity.

    `lost` is told when the agent is out of it before `aclose`. The caller goes on hearing the hold sound meanwhile.
    """

    def __init__(
        self,
        callers_room: rtc.Room,
        client: api.LiveKitAPI,
        gates: Gates,
        access: Access,
        *,
        lost: Callable[[], None],
    ) -> None:
        self.room = rtc.Room()
        self.name = f"{callers_room.name}-consult-{secrets.token_hex(4)}"
        self._callers_room, self._client, self._gates, self._access = callers_room, client, gates, access
        self._lost = lost
        self._opening: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make the room and join it. Raises what `Place` says."""
        self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)  # a connection that is half made could not be taken down

    async def shut_out(self, human: str, mode: Mode) -> None:
        """Mute who is asked for a key: no model is to hear them. The caller is not there."""
        if mode == "press-1":
            await self._mute(human, muted=True)

    def guard(self, human: str, mode: Mode, *, anew: bool) -> None:
        """Nothing is to be guarded."""

    async def part(self, human: str) -> None:
        """They are apart."""

    def let_hear(self, human: str, voice: str) -> None:
        """Whoever is here hears the agent."""

    async def merge(self, leg: HumanLeg, mode: Mode) -> None:
        """Let LiveKit Cloud move the human's leg into the caller's room. Raises what `Place` says."""
        if mode == "press-1":
            await self._mute(leg.identity, muted=False)
        leg.follow(self._callers_room)
        try:
            await self._client.room.move_participant(
                api.MoveParticipantRequest(
                    room=self.name, identity=leg.identity, destination_room=self._callers_room.name
                )
            )
        except BaseException:
            leg.follow(self.room)
            if leg.identity not in self.room.remote_participants:
                leg.is_gone()
            raise
        while not _is_heard(self._callers_room, leg.identity):
            await asyncio.sleep(LOOK_EVERY_S)
        await self._gates.merge(leg.identity)

    async def aclose(self) -> None:
        """Leave, and delete the room, which ends the leg that is in it. Raises nothing; may be called again."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _open(self) -> None:
        self.room.on("disconnected", self._on_disconnected)
        async with asyncio.timeout(OPEN_LIMIT_S):
            await self._client.room.create_room(
                api.CreateRoomRequest(
                    name=self.name,
                    empty_timeout=EMPTY_TIMEOUT_S,
                    departure_timeout=DEPARTURE_TIMEOUT_S,
                    agents=[api.RoomAgentDispatch(agent_name=NOBODY)],
                    metadata=consultation_metadata(self._access.worker, self._callers_room.name),
                )
            )
            identity = self._callers_room.local_participant.identity
            await self.room.connect(self._access.url, self._access.token(self.name, identity))

    async def _close(self) -> None:
        if self._opening is None:
            return
        await asyncio.gather(self._opening, return_exceptions=True)
        await self._delete()
        with suppress(Exception):  # the room is gone already
            await self.room.disconnect()

    async def _delete(self) -> None:
        for _ in range(DELETE_TRIES):
            try:
                await self._client.room.delete_room(api.DeleteRoomRequest(room=self.name))
            except _TROUBLE as error:
                if isinstance(error, api.ServerError) and error.code == "not_found":
                    return
                log.warning("a consultation room is not deleted yet", extra={"error": type(error).__name__})
                await asyncio.sleep(DELETE_AGAIN_S)
            else:
                return

    async def _mute(self, human: str, *, muted: bool) -> None:
        await Gates(self.room, self._client, caller="").mute(human, muted=muted)

    def _on_disconnected(self, *_: object) -> None:
        if self._closing is None:
            self._lost()


def _is_heard(room: rtc.Room, identity: str) -> bool:
    there = room.remote_participants.get(identity)
    return there is not None and bool(there.track_publications)
