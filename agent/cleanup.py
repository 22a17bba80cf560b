"""What a dead job process leaves behind: a participant whom LiveKit takes for alive for some 20 s more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import aiohttp
from livekit import api

log = logging.getLogger("dialroom.worker")

LOOK_EVERY_S: Final = 0.25


async def remove_ended_agents(client: api.LiveKitAPI, in_rooms: Callable[[], Mapping[str, str]]) -> NoReturn:
    """Take the agents of ended jobs out of their rooms, for ever.

    `in_rooms` returns the identities of those that run, with their rooms. Who ended in good order has left already.
    """
    known: dict[str, str] = {}
    removing: set[asyncio.Task[None]] = set()
    while True:
        running = in_rooms()
        for identity, room in known.items():
            if identity not in running:
                task = asyncio.create_task(_remove(client, room, identity))
                removing.add(task)
                task.add_done_callback(removing.discard)
        known = dict(running)
        await asyncio.sleep(LOOK_EVERY_S)


async def _remove(client: api.LiveKitAPI, room: str, identity: str) -> None:
    try:
        await client.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
    except api.ServerError as error:
        if error.code != "not_found":
            log.warning("an ended agent could not be taken out of its room", extra={"code": error.code})
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("LiveKit does not answer", extra={"error": type(error).__name__})
    else:
        log.warning("an agent that died is taken out of its room", extra={"pii_room": room})
