"""A blind transfer: REFER on a leg, and what its answer and its NOTIFYs mean (psrpc TransferSIPParticipant).

Measured on livekit-sip: only a NOTIFY 200 is success, and so is the telephone's BYE after it took the REFER. Without a
final NOTIFY it ends with the request's ringing timeout, which is the API's limit too: either of the two is told. A
REFER that is not answered at all lasts for its own transaction's 32 s instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from google.protobuf.empty_pb2 import Empty

from lab.gateway.live import first
from lab.psrpc.errors import PsrpcError, sip_error
from lab.psrpc.server import Handler
from lab.sip.core import HeaderList
from lab.sip.leg import Call
from lab.sip.referral import Referral

BYE_AFTER_S = 1.0
TIMEOUT_S = 120.0
TIMER_F_STATUS = 408
_REASONS = {202: "Accepted", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout"}
_REASONS |= {480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated", 503: "Service Unavailable"}
_REASONS |= {501: "Not Implemented", 603: "Decline"}


def transfer(call: Call, own_headers: Callable[[], HeaderList]) -> Handler:
    """Return the handler of one leg's transfers. One at a time; the same target twice is one transfer.

    `own_headers` go into the REFER beside those of the request.
    """
    pending: dict[str, asyncio.Task[None]] = {}

    async def handle(request: Any) -> Empty:
        target = str(request.transfer_to)
        if pending and target not in pending:
            raise PsrpcError("invalid_argument", "call already being transferred elsewhere")
        if target not in pending:
            limit_s = request.ringing_timeout.ToNanoseconds() / 1e9 or TIMEOUT_S
            headers = [*request.headers.items(), *own_headers()]
            pending[target] = asyncio.create_task(_refer(call, target, headers, limit_s))
            pending[target].add_done_callback(
                lambda task: (pending.pop(target, None), task.cancelled() or task.exception())
            )
        # The REFER's own transaction goes on when the API's deadline ends: the leg stays locked until then.
        await asyncio.shield(pending[target])
        return Empty()

    return handle


async def _refer(call: Call, target: str, headers: HeaderList, limit_s: float) -> None:
    deadline_s = asyncio.get_running_loop().time() + limit_s
    if call.state != "established":
        raise PsrpcError("failed_precondition", "can't transfer non established call")
    referral = await call.refer(target, headers)
    if not referral.accepted:
        if referral.status == TIMER_F_STATUS:
            raise PsrpcError("canceled", "transaction failed to complete")
        raise sip_error(referral.status, referral.reason or _REASONS.get(referral.status, ""))
    try:
        async with asyncio.timeout_at(deadline_s):
            status = await _final(call, referral)
    except TimeoutError:
        raise PsrpcError("canceled", "refer canceled") from None
    if status is not None and status != 200:
        raise sip_error(status, _REASONS.get(status, ""), prefix="call transfer failed: ")
    asyncio.get_running_loop().call_later(BYE_AFTER_S, lambda: asyncio.ensure_future(call.bye()))


async def _final(call: Call, referral: Referral) -> int | None:
    """Return the status that the NOTIFYs end with; None when the telephone hung up instead."""
    reported: list[int | None] = []

    async def outcome() -> None:
        reported.append(await referral.outcome())

    ended = await first(reported=outcome(), hung_up=call.wait_ended())
    return reported[0] if ended == "reported" and reported else None
