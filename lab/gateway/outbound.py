"""A call that the room makes: psrpc CreateSIPParticipant → join, INVITE, answer, hold."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from livekit import rtc

from lab.gateway.live import MAX_CALL_S, first, hold
from lab.gateway.media import MediaLeg, allowed_codecs
from lab.gateway.node import Leg, Node
from lab.gateway.room import RoomLeg, Seat
from lab.psrpc.errors import PsrpcError, sip_error
from lab.psrpc.messages import SIP
from lab.sip.errors import CallRejected, SipError
from lab.sip.outgoing import OutgoingCall, Progress
from lab.sip.sdp import Sdp

log = logging.getLogger(__name__)

RINGING_TIMEOUT_S = 180.0
_REJECTED = rtc.DisconnectReason.USER_REJECTED
_UNAVAILABLE = rtc.DisconnectReason.USER_UNAVAILABLE
_LEFT = rtc.DisconnectReason.CLIENT_INITIATED
_REASON_OF = {401: _REJECTED, 403: _REJECTED, 407: _REJECTED, 486: _REJECTED, 487: _REJECTED, 600: _REJECTED}
_REASON_OF |= {603: _REJECTED, 404: _UNAVAILABLE, 408: _UNAVAILABLE, 480: _UNAVAILABLE}


async def create(node: Node, request: Any) -> Any:
    """Handle one CreateSIPParticipant. Returns when the leg is in the room, or answered if that is wanted."""
    if node.draining:
        raise PsrpcError("unavailable", "sip bridge is draining")
    told: asyncio.Future[RoomLeg] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(_leg(node, request, told))
    node.calls.add(task)
    task.add_done_callback(lambda done: _finished(node, done, told))
    # The leg lives on when the caller of the API does not wait any more: only leaving the room ends it.
    room = await asyncio.shield(told)
    return SIP["InternalCreateSIPParticipantResponse"](
        participant_id=room.participant_sid,
        participant_identity=request.participant_identity,
        sip_call_id=request.sip_call_id,
    )


def _finished(node: Node, task: asyncio.Task[None], told: asyncio.Future[RoomLeg]) -> None:
    node.calls.discard(task)
    error = None if task.cancelled() else task.exception()
    if told.done():
        told.exception()
        if error and not isinstance(error, PsrpcError):
            log.error("an outbound call failed", exc_info=error)
    else:
        told.set_exception(error or PsrpcError("canceled", "the call was ended"))


async def _leg(node: Node, request: Any, told: asyncio.Future[RoomLeg]) -> None:
    async with MediaLeg(node.clock, node.config) as media:
        offer = media.offer(codecs=allowed_codecs(request.media))
        room = media.connect(offer, None)
        reason = _LEFT
        try:
            await _join(node, request, room)
            if not request.wait_until_answered:
                told.set_result(room)
            call = _invite(node, request, offer)
            try:
                await _answered(call, room, request)
            except PsrpcError as error:
                reason = _reason(call, error)
                raise
            leg = Leg(request.sip_call_id, call, room, media, request.attributes_to_headers)
            await _live(node, request, leg, told)
        finally:
            await room.leave(reason)


async def _join(node: Node, request: Any, room: RoomLeg) -> None:
    seat = Seat(
        room=request.room_name,
        identity=request.participant_identity,
        name=request.participant_name,
        metadata=request.participant_metadata,
        attributes=dict(request.participant_attributes) | {"sip.callStatus": "dialing"},
    )
    try:
        await room.join(node.config, seat)
    except rtc.ConnectError as error:
        raise PsrpcError("internal", "the room could not be joined") from error


def _invite(node: Node, request: Any, offer: Sdp) -> OutgoingCall:
    host = request.address
    name = request.display_name if request.HasField("display_name") else request.number
    caller = f'"{name}" <sip:{request.number}@{request.hostname or node.config.listen_ip}>'
    credentials = (request.username, request.password) if request.username and request.password else None
    try:
        return node.endpoint.invite(
            f"sip:{request.call_to}@{host}",
            from_uri=caller if name else caller.split(" ", 1)[1],
            sdp=offer.to_bytes(),
            headers=list(request.headers.items()),
            credentials=credentials,
        )
    except SipError as error:
        raise PsrpcError("invalid_argument", str(error)) from error


async def _answered(call: OutgoingCall, room: RoomLeg, request: Any) -> None:
    """Ring until the answer. Raises PsrpcError; then no INVITE of ours is open any more."""

    def on_progress(progress: Progress) -> None:
        if progress.status in (180, 183):
            ringing.append(asyncio.ensure_future(room.set_attributes(sip_callStatus="ringing")))

    ringing: list[asyncio.Future[None]] = []
    call.on_progress = on_progress
    limit_s = request.ringing_timeout.ToNanoseconds() / 1e9 or RINGING_TIMEOUT_S
    answer = asyncio.ensure_future(call.answered())
    try:
        came = await first(answer=asyncio.shield(answer), room=room.gone.wait(), limit=asyncio.sleep(limit_s))
        if came != "answer":
            await call.cancel()
            raise PsrpcError("canceled", "sip request timed out")
        await answer
    except asyncio.CancelledError:
        await call.cancel()  # the gateway is being stopped
        raise
    except CallRejected as rejected:
        if rejected.status in (401, 407) and not request.username:
            text = "sip server required auth, but no username or password was provided"
            raise PsrpcError("failed_precondition", text) from rejected
        raise sip_error(rejected.status, rejected.reason) from rejected
    finally:
        if not answer.done():
            answer.cancel()
        with contextlib.suppress(CallRejected, asyncio.CancelledError):
            await answer
        await asyncio.gather(*ringing)


async def _live(node: Node, request: Any, leg: Leg, told: asyncio.Future[RoomLeg]) -> None:
    answered = Sdp.parse(leg.call.remote_sdp)
    leg.media.renegotiate(answered)
    async with node.live(leg):
        leg.media.start()
        await leg.room.set_attributes(sip_callIDFull=leg.call.call_id, sip_callTag=leg.call.remote_tag or "")
        if request.dtmf:
            await leg.room.set_attributes(sip_callStatus="automation")
            leg.media.send_digits(request.dtmf)
        await leg.room.set_attributes(sip_callStatus="active")
        leg.room.listen()
        if not told.done():
            told.set_result(leg.room)
        await hold(
            leg.call,
            leg.room,
            leg.media,
            max_call_s=request.max_call_duration.ToNanoseconds() / 1e9 or MAX_CALL_S,
            headers=leg.headers,
        )


def _reason(call: OutgoingCall, error: PsrpcError) -> Any:
    """Return what the room is told of a call that was not answered (measured on livekit-sip)."""
    if error.code == "canceled":
        return _UNAVAILABLE
    status = call.end_reason.status if call.end_reason else None
    return _REASON_OF.get(status or 0, _LEFT)
