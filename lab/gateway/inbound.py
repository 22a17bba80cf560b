"""An incoming call: who may, where to, ring, answer when somebody is there, hold."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc

from lab.gateway.headers import attributes_from
from lab.gateway.iosip import Question, ask_dispatch, ask_trunk, question_of
from lab.gateway.live import MAX_CALL_S, first, follow, hold
from lab.gateway.media import MediaLeg, allowed_codecs
from lab.gateway.node import Leg, Node
from lab.gateway.room import RoomLeg, Seat
from lab.psrpc.errors import PsrpcError
from lab.psrpc.messages import ACCEPT, REJECT, REQUEST_PIN
from lab.psrpc.wire import new_id
from lab.sip.incoming import IncomingCall
from lab.sip.sdp import Sdp, SdpError
from telephony.errors import UserError

log = logging.getLogger(__name__)

DEFAULT_REALM = "LiveKit"
RINGING_TIMEOUT_S = 180.0
BUSY = (486, "Rejected")
AGAIN = (503, "Try again later")


async def take(node: Node, call: IncomingCall) -> None:
    """Handle one INVITE to the end of its call; it is refused when the gateway stops before the answer."""
    task = asyncio.current_task()
    assert task is not None
    node.calls.add(task)
    try:
        await _handle(node, call)
    finally:
        node.calls.discard(task)
        await call.reject(*BUSY)  # nothing happens to a call that is decided


async def _handle(node: Node, call: IncomingCall) -> None:
    try:
        question = question_of(call, new_id("SCL_"))
    except UserError:
        return await call.reject(400)
    try:
        trunk = await ask_trunk(node.io, question)
        if not await _opened(call, trunk):
            return None
        async with _ringing(call, node.config.sip_ringing_interval_s):
            dispatch = await ask_dispatch(node.io, question, trunk.sip_trunk_id)
            if dispatch.result != ACCEPT:
                return await _not_accepted(call, dispatch.result)
            return await _accepted(node, call, question, dispatch)
    except PsrpcError:
        log.warning("livekit-server did not answer about a call")
        return await call.reject(*AGAIN)


async def _opened(call: IncomingCall, trunk: Any) -> bool:
    """Do the trunk's digest authentication; whether the call may go on."""
    if not (trunk.username and trunk.password):
        return True
    verdict = call.verify(trunk.username, trunk.password)
    if verdict in ("missing", "stale"):
        await call.challenge(407, realm=trunk.realm or DEFAULT_REALM, stale=verdict == "stale")
    elif verdict == "wrong":
        await call.reject(401)
    return verdict == "ok"


@asynccontextmanager
async def _ringing(call: IncomingCall, interval_s: float) -> AsyncIterator[None]:
    await call.ringing()

    async def again() -> None:
        while True:
            await asyncio.sleep(interval_s)
            if call.state != "ringing":
                return
            await call.ringing()

    repeated = asyncio.create_task(again())
    try:
        yield
    finally:
        repeated.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await repeated


async def _not_accepted(call: IncomingCall, result: int) -> None:
    if result == REJECT:
        return await call.reject(404)
    if result == REQUEST_PIN:
        return await call.reject(501)  # the lab has no PIN prompts
    call.abandon()
    return None


async def _accepted(node: Node, call: IncomingCall, question: Question, dispatch: Any) -> None:
    async with MediaLeg(node.clock, node.config) as media:
        try:
            offered = Sdp.parse(call.remote_sdp)
            chosen = media.answer(offered, codecs=allowed_codecs(dispatch.media))
        except SdpError:
            return await call.reject(400)
        room = media.connect(chosen, offered.remote)
        try:
            if not await _joined(node, room, _seat(call, dispatch)):
                return await call.reject(*BUSY)
            if await _answerable(call, room, dispatch):
                leg = Leg(question.call_id, call, room, media, dispatch.attributes_to_headers)
                await _live(node, leg, dispatch, chosen.to_bytes())
        finally:
            await call.reject(*BUSY)  # before the room, which may take its time; nothing happens to a decided call
            await room.leave()


def _seat(call: IncomingCall, dispatch: Any) -> Seat:
    attributes = dict(dispatch.participant_attributes) | attributes_from(
        call.request, dispatch.headers_to_attributes, dispatch.include_headers
    )
    return Seat(
        room=dispatch.room_name,
        identity=dispatch.participant_identity,
        name=dispatch.participant_name,
        metadata=dispatch.participant_metadata,
        attributes=attributes
        | {"sip.callStatus": "ringing", "sip.callIDFull": call.call_id, "sip.callTag": call.remote_tag or ""},
        room_config=dispatch.room_config if dispatch.HasField("room_config") else None,
    )


async def _joined(node: Node, room: RoomLeg, seat: Seat) -> bool:
    try:
        await room.join(node.config, seat)
    except rtc.ConnectError:
        log.exception("the room could not be joined")
        return False
    room.listen()
    return True


async def _answerable(call: IncomingCall, room: RoomLeg, dispatch: Any) -> bool:
    """Ring until somebody is there; whether the call is still wanted by then."""
    limit_s = dispatch.ringing_timeout.ToNanoseconds() / 1e9 or RINGING_TIMEOUT_S
    came = await first(
        hung_up=call.wait_ended(), company=room.company.wait(), room=room.gone.wait(), limit=asyncio.sleep(limit_s)
    )
    if came in ("room", "limit"):
        await call.reject(*BUSY)
    return came == "company"


async def _live(node: Node, leg: Leg, dispatch: Any, description: bytes) -> None:
    call = leg.call
    assert isinstance(call, IncomingCall)
    async with node.live(leg):
        follow(call, leg.media)
        call.send_answer(description, [*dispatch.headers.items(), *leg.headers()])
        leg.media.start()
        await first(packet=leg.media.first_packet(), hung_up=call.wait_ended())
        await leg.room.set_attributes(sip_callStatus="active")
        await hold(
            call,
            leg.room,
            leg.media,
            max_call_s=dispatch.max_call_duration.ToNanoseconds() / 1e9 or MAX_CALL_S,
            headers=leg.headers,
        )
