"""The carrier's SIP address: takes calls of the public network and does with them what the account says."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from lab.media.clock import MediaClock
from lab.sip.call import IncomingCall
from lab.sip.core import BASE_METHODS
from lab.sip.message import Address
from lab.sip.timers import Timers
from lab.vobiz.account import Account
from lab.vobiz.calls.application import ApplicationCall
from lab.vobiz.calls.bridge import Bridge
from lab.vobiz.calls.callbacks import Callbacks
from lab.vobiz.calls.endpoint import PairingEndpoint
from lab.vobiz.calls.routing import Refusal, ToApplication, ToTrunk, known_number, route
from lab.vobiz.live import CallRecord, LiveCall
from telephony.sip_uri import SipUri, SipUriError

USER_AGENT = "Vobiz"
LAST_CALLS_S = 2.0
"""How long live calls may take to end when the carrier stops."""


class Carrier:
    """One SIP endpoint on UDP; an async context manager. Raises OSError on entry when the address is taken.

    Calls that are live stand in `account.live`, finished ones in `account.finished`.
    """

    def __init__(
        self, account: Account, *, host: str = "127.0.0.9", port: int = 0, timers: Timers | None = None
    ) -> None:
        self.account = account
        self.sip = PairingEndpoint(host, port, user_agent=USER_AGENT, timers=timers)
        self.sip.allow = (*BASE_METHODS, "REFER")
        self.sip.on_invite = self._take
        self._clock = MediaClock()
        self._callbacks = Callbacks(account)
        self._running: set[asyncio.Task[None]] = set()
        self._exit = AsyncExitStack()

    @property
    def address(self) -> Address:
        """Where callers send their INVITEs."""
        return self.sip.address

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._callbacks)
            await opened.enter_async_context(self._clock)
            await opened.enter_async_context(self.sip)
            self._exit = opened.pop_all()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up what is live, and close everything. May be called twice."""
        for live in list(self.account.live.values()):
            if live.hang_up:
                await live.hang_up()
        if self._running:
            await asyncio.wait(self._running, timeout=LAST_CALLS_S)
        await self._exit.aclose()

    async def _take(self, call: IncomingCall) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await self._handle(call)
        finally:
            self._running.discard(task)

    async def _handle(self, call: IncomingCall) -> None:
        caller, called = known_number(_user(call.remote_uri)), _user(str(call.request.uri))
        where = route(self.account, called)
        live = LiveCall(from_number=caller, to_number=where.number or called)
        if self.account.habits.same_call_id and isinstance(where, ToApplication):
            live.call_uuid = call.call_id
        record = CallRecord(
            call_uuid=live.call_uuid, caller=caller, called=called, number=where.number, sip_call_id=call.call_id
        )
        try:
            if isinstance(where, Refusal):
                await _refuse(call, where, record)
            elif not call.remote_sdp:
                unusable = Refusal(status=488, reason="no offer", cause="INCOMPATIBLE", cause_code=5020)
                await _refuse(call, unusable, record)
            else:
                self.account.live[live.call_uuid] = live
                await self._connect(call, where, record, live)
        finally:
            self.account.live.pop(live.call_uuid, None)
            self.account.finished.append(record.ended())

    async def _connect(
        self, call: IncomingCall, where: ToTrunk | ToApplication, record: CallRecord, live: LiveCall
    ) -> None:
        if isinstance(where, ToTrunk):
            record.route = "trunk"
            live.trunk_id = record.trunk_id = where.trunk_id
            record.trunk_name = where.trunk_name
            bridge = Bridge(self.sip, self.account.habits, call, to=where, record=record, live=live)
            await bridge.run()
        else:
            record.route = "application"
            live.application_id = record.application_id = where.app_id
            answering = ApplicationCall(
                call,
                self.account,
                self._callbacks,
                self._clock,
                to=where,
                record=record,
                live=live,
                host=self.address[0],
            )
            await answering.run()


async def _refuse(call: IncomingCall, refusal: Refusal, record: CallRecord) -> None:
    record.status, record.reason, record.trunk_id = refusal.status, refusal.reason, refusal.trunk_id
    record.cause, record.cause_code, record.ended_by = refusal.cause, refusal.cause_code, "carrier"
    await call.reject(refusal.status)


def _user(uri: str) -> str:
    with contextlib.suppress(SipUriError):
        return SipUri.parse(uri).user or ""
    return ""
