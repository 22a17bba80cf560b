"""An answered leg, inbound or outbound, until one side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from lab.gateway.media import MediaLeg
from lab.gateway.room import RoomLeg
from lab.sip import sdp
from lab.sip.core import HeaderList
from lab.sip.leg import Call

MAX_CALL_S = 24 * 3600.0


async def hold(
    call: Call, room: RoomLeg, media: MediaLeg, *, max_call_s: float, headers: Callable[[], HeaderList]
) -> str:
    """Return who or what ended an answered call; by then both sides know.

    `telephone` (its BYE, or ours after a transfer), `room` (removed, deleted, gone), `media` (no RTP), `limit`.
    `headers` are asked for when a BYE of ours leaves.
    """
    follow(call, media)
    ended = await first(
        telephone=call.wait_ended(), room=room.gone.wait(), media=media.timed_out(), limit=asyncio.sleep(max_call_s)
    )
    if ended == "telephone":
        await room.set_attributes(sip_callStatus="hangup")
    else:
        await call.bye(headers())
    return ended


async def first(**waits: Awaitable[object]) -> str:
    """Return the name of what is done first; the others are cancelled."""
    tasks = {name: asyncio.ensure_future(wait) for name, wait in waits.items()}
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        return next(name for name, task in tasks.items() if task.done())
    finally:
        for task in tasks.values():
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks.values(), return_exceptions=True)


def follow(call: Call, media: MediaLeg) -> None:
    """Take a re-INVITE's address and answer with the same description as before, as livekit-sip does."""

    def redirected(offer: bytes) -> bytes | int:
        try:
            remote = sdp.Sdp.parse(offer).remote if offer else None
        except sdp.SdpError:
            return 488
        if remote:
            media.redirect(remote)
        return call.local_sdp

    call.on_reinvite = redirected
