"""Where a human is asked, and how they get from there to the caller: one interface, and which of its kinds it is."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Final, Literal, Protocol

import aiohttp
from livekit import api, rtc

from agent.transfer.leg import HumanLeg
from telephony.manifest.targets import Mode, Strategy

log = logging.getLogger("dialroom.transfer")

PROBE_LIMIT_S: Final = 2.0


class Place(Protocol):
    """A room that a human is dialled into, from `open` to `aclose`.

    What cannot be confirmed raises api.ServerError, aiohttp.ClientError, OSError, TimeoutError or rtc.ConnectError.
    """

    @property
    def room(self) -> rtc.Room:
        """The room, as the agent is in it."""
        ...

    async def open(self) -> None:
        """Make it safe to dial: the caller hears nothing of who comes."""
        ...

    async def shut_out(self, human: str, mode: Mode) -> None:
        """Confirm that the caller does not hear the human, whose track is there, nor anybody who is asked for a key."""
        ...

    def guard(self, human: str, mode: Mode, *, anew: bool) -> None:
        """See to it that this stays so; `anew`: from the beginning, since the leg was answered. Returns at once."""
        ...

    async def part(self, human: str) -> None:
        """Close both directions, once: the human has answered."""
        ...

    def let_hear(self, human: str, voice: str) -> None:
        """Let the human alone hear this track of the agent (its sid)."""
        ...

    async def merge(self, leg: HumanLeg, mode: Mode) -> None:
        """Let human and caller hear each other in the caller's room."""
        ...

    async def aclose(self) -> None:
        """Guard nobody any more, and leave no room behind. Raises nothing; may be called again."""
        ...


async def choose(wanted: Literal["auto", Strategy], client: api.LiveKitAPI, *, room: str, on_cloud: bool) -> Strategy:
    """Return the strategy of a transfer out of this room: what the target wants, where the server can do it."""
    if wanted == "auto":
        return "cloud_move" if on_cloud else "gated_room"
    if wanted == "cloud_move" and not on_cloud and (why := await _why_not_move(client, room)):
        log.warning("this LiveKit server moves nobody: gated_room instead of cloud_move", extra={"why": why})
        return "gated_room"
    return wanted


async def _why_not_move(client: api.LiveKitAPI, room: str) -> str:
    """Ask the server to move nobody; return "" when that is all that it has against it.

    livekit-server 1.13.5 answers code `unknown`, "not implemented", whoever is to be moved.
    """
    nobody = f"nobody-{secrets.token_hex(6)}"
    try:
        async with asyncio.timeout(PROBE_LIMIT_S):
            await client.room.move_participant(
                api.MoveParticipantRequest(room=room, identity=nobody, destination_room=f"{room}-{nobody}")
            )
    except api.ServerError as error:
        return "" if error.code == "not_found" else error.code
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return type(error).__name__
    return ""
