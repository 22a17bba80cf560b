"""A call to a number on a trunk: the caller's leg, and a leg of the carrier's own to the destination (B2BUA).

The session descriptions pass through, so that media flows between the two directly.
"""

from __future__ import annotations

import asyncio
import contextlib

from lab.caller.addresses import resolve
from lab.sip.call import Call, CallOver, CallRejected, IncomingCall, OutgoingCall, Progress, ReceivedRefer, SipError
from lab.sip.message import Address
from lab.vobiz.calls.endpoint import PairingEndpoint
from lab.vobiz.calls.routing import ToTrunk, in_form
from lab.vobiz.calls.waiting import first, unless
from lab.vobiz.habits import Habits
from lab.vobiz.live import CallRecord, LiveCall
from telephony.errors import DialroomError

PASSED_HEADERS = "x-vh-"
"""The only headers that Vobiz lets through (D:xml/request/sip-headers)."""
_CAUSES = {
    486: ("USER_BUSY", 3010),
    600: ("USER_BUSY", 3010),
    403: ("CALL_REJECTED", 3020),
    603: ("CALL_REJECTED", 3020),
    404: ("INVALID_DESTINATION", 2000),
    408: ("TIMEOUT", 3070),
    480: ("NO_ANSWER", 3000),
}
_OTHER_CAUSE = ("ROUTING_FAILED", 5020)


class Bridge:
    """One call between a caller and a trunk's destination."""

    def __init__(
        self,
        endpoint: PairingEndpoint,
        habits: Habits,
        call: IncomingCall,
        *,
        to: ToTrunk,
        record: CallRecord,
        live: LiveCall,
    ) -> None:
        self._endpoint = endpoint
        self._habits = habits
        self._call = call
        self._to = to
        self._record = record
        self._live = live
        self._hung_up = asyncio.Event()
        live.hang_up = self.hang_up

    async def hang_up(self) -> None:
        """End the call from the carrier's side."""
        self._hung_up.set()

    async def run(self) -> None:
        """Connect the caller, and return when the call is over on both legs."""
        status = 480
        for destination in self._to.destinations:
            leg, status = await self._try(destination)
            if leg:
                return await self._talk(leg)
            if not self._call.is_open or self._hung_up.is_set():
                break
        if not self._call.is_open:
            self._record.gave_up()
            return None
        self._record.status, self._record.ended_by = status, "carrier" if self._hung_up.is_set() else "destination"
        self._record.cause, self._record.cause_code = _CAUSES.get(status, _OTHER_CAUSE)
        await self._call.reject(status)
        return None

    async def _try(self, destination: str) -> tuple[OutgoingCall | None, int]:
        """Call one destination; return its leg when it answered, and the status for the caller otherwise."""
        attempt = {"destination": destination, "status": 0}
        self._record.attempts.append(attempt)
        self._record.destination = destination
        user, _, where = destination.rpartition("@")
        try:
            leg = self._invite(user, await resolve(where))
        except DialroomError as error:
            self._record.reason = str(error)
            return None, 503
        self._record.bridge_uuid = leg.call_id
        answered, status = await self._answered(leg)
        attempt["status"] = leg.progress[-1].status if leg.progress else 0
        if answered:
            return leg, status
        self._endpoint.spawn(leg.cancel())  # it may be silent: nobody waits for its end
        return None, _for_caller(status)

    def _invite(self, user: str, where: Address) -> OutgoingCall:
        if where == self._endpoint.address:
            raise SipError("the trunk's destination is the carrier itself")
        called = user or in_form(self._to.number, self._habits.called_form)
        caller = in_form(self._record.caller, self._habits.caller_form)
        host, port = self._endpoint.address
        target = f"sip:{called}@{where[0]}:{where[1]}"
        return self._endpoint.invite(
            target,
            from_uri=f"sip:{caller}@{host}:{port}",
            to_uri=f"sip:{called}@{where[0]}",
            sdp=self._call.remote_sdp,
            headers=_passed(self._call),
            destination=where,
            call_id=self._call.call_id if self._habits.same_call_id else None,
        )

    async def _answered(self, leg: OutgoingCall) -> tuple[bool, int]:
        """Relay the ringing until the destination decides, the caller gives up, or it takes too long."""
        heard = asyncio.Event()
        steps: asyncio.Queue[Progress] = asyncio.Queue()

        def note(progress: Progress) -> None:
            heard.set()
            steps.put_nowait(progress)

        leg.on_progress = note
        relay = asyncio.create_task(self._relay_progress(steps))
        answer = asyncio.create_task(leg.answered())
        try:
            came = await first(
                answer=answer,
                caller=self._call.ended.wait(),
                hung_up=self._hung_up.wait(),
                silence=unless(heard, self._habits.silence_s),
                late=asyncio.sleep(self._habits.ring_timeout_s),
            )
            if came != "answer":
                return False, 408 if came == "silence" else 480
            await answer
            return True, 200
        except CallRejected as rejected:
            return False, rejected.status
        finally:
            relay.cancel()
            answer.cancel()
            await asyncio.gather(relay, answer, return_exceptions=True)

    async def _relay_progress(self, steps: asyncio.Queue[Progress]) -> None:
        while True:
            step = await steps.get()
            if 100 < step.status < 200:
                await self._call.ringing(step.status, sdp=step.sdp)

    async def _talk(self, leg: OutgoingCall) -> None:
        """Answer the caller, and end each leg when the other one ends."""
        try:
            self._call.send_answer(leg.remote_sdp)
        except CallOver:
            await leg.bye()
            self._record.gave_up()
            return
        self._live.status = "in-progress"
        self._record.answered()
        leg.on_refer = self._referred
        self._endpoint.pair(self._call, leg)
        try:
            came = await first(
                caller=self._call.ended.wait(), destination=leg.ended.wait(), carrier=self._hung_up.wait()
            )
        finally:
            self._endpoint.unpair(leg)
        self._record.ended_by = came
        await asyncio.gather(_ended(self._call), _ended(leg))

    async def _referred(self, refer: ReceivedRefer) -> int:
        """The destination wants the call transferred (D:integrations/livekit, "Call Transfer (SIP REFER)")."""
        if self._habits.refer != "relay":
            return self._habits.refer
        referral = await self._call.refer(refer.refer_to)

        async def tell() -> None:
            with contextlib.suppress(CallOver):
                async for status in referral:
                    await refer.notify(status)

        if referral.accepted:
            self._endpoint.spawn(tell())
        return referral.status


def _for_caller(status: int) -> int:
    """Redirections and challenges are not followed, and not passed on."""
    return 480 if status < 400 or status in (401, 407) else status


def _passed(call: IncomingCall) -> list[tuple[str, str]]:
    headers = call.request.headers
    names = [name for name in headers.keys() if name.lower().startswith(PASSED_HEADERS)]  # noqa: SIM118
    return [(name, value) for name in names for value in headers.getlist(name)]


async def _ended(call: Call) -> None:
    if call.state == "established":
        await call.bye()
