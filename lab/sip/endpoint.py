"""One UDP socket that speaks SIP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from sipmessage import URI, Request, Response
from sipmessage import Address as NameAddress

from lab.sip.core import BASE_METHODS, Core
from lab.sip.dialog import address_of
from lab.sip.errors import SipError
from lab.sip.faults import Faults
from lab.sip.incoming import IncomingCall
from lab.sip.layer import TransactionLayer
from lab.sip.message import Address, all_values, new_call_id, new_tag, response_to, tag_of
from lab.sip.outgoing import OutgoingCall
from lab.sip.timers import Timers
from lab.sip.transaction import ServerTransaction
from lab.sip.transport import Tap, Transport
from telephony.sip_uri import SipUri

_IN_DIALOG_METHODS = {"BYE", "NOTIFY", "REFER"}


class SipEndpoint:
    """A SIP user agent on one UDP socket; an async context manager.

    on_invite(call)                        a new call; runs as a task. A call that it leaves without a final response
                                           when it raises is refused with 500. Without it: 480.
    tap(direction, data, address, at_s)    every datagram as it is on the wire (after faults), time.monotonic.

    `address` is the bound one; `advertised_host` stands in Via and Contact when `host` is 0.0.0.0. Raises OSError on
    entry when the port is taken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        user_agent: str,
        advertised_host: str | None = None,
        faults: Faults | None = None,
        timers: Timers | None = None,
    ) -> None:
        self.address: Address = (host, port)
        self.on_invite: Callable[[IncomingCall], Awaitable[None]] | None = None
        self.faults = faults or Faults()
        self._advertised_host = advertised_host
        self._transport = Transport(self.faults)
        layer = TransactionLayer(self._transport, timers or Timers())
        layer.on_request = self._receive_request
        layer.on_ack = self._receive_ack
        self._core = Core(layer, user_agent=user_agent)

    async def __aenter__(self) -> Self:
        self.address = await self._transport.open(*self.address)
        self._core.host = self._advertised_host or self.address[0]
        self._core.port = self.address[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the socket and cancel everything in flight; live calls end with cause "closed". May be called twice."""
        await self._core.aclose()
        self._transport.close()
        await asyncio.sleep(0)  # asyncio frees the port in its next round

    @property
    def tap(self) -> Tap | None:
        """Who is shown every datagram."""
        return self._transport.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._transport.tap = tap

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods that Allow headers name. Add REFER when calls get an `on_refer`."""
        return self._core.allow

    @allow.setter
    def allow(self, methods: tuple[str, ...]) -> None:
        self._core.allow = methods

    @property
    def calls(self) -> Sequence[IncomingCall | OutgoingCall]:
        """The calls that have not ended."""
        known = self._core.calls.values()
        return [call for call in known if isinstance(call, IncomingCall | OutgoingCall) and call.end_reason is None]

    def invite(
        self,
        target: SipUri | str,
        *,
        from_uri: str,
        sdp: bytes,
        to_uri: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        credentials: tuple[str, str] | None = None,
        call_id: str | None = None,
        destination: Address | None = None,
    ) -> OutgoingCall:
        """Send an INVITE at once and return the call.

        `from_uri` and `to_uri` may carry a display name. `headers` replace those of ours with the same name.
        `credentials` are (user, password). `destination` is where the datagrams go; by default the target's host,
        which must be an IPv4 address then. Raises SipError for a target that is no usable SIP URI.
        """
        where = destination or address_of(str(target))
        if where is None:
            raise SipError(f"{target} has no IP address to send to; name one like sip:+918071000001@192.0.2.1:5060")
        invite = self._new_invite(str(target), from_uri, to_uri or str(target), call_id)
        invite.body = sdp
        typed = [("Content-Type", "application/sdp"), *headers] if sdp else list(headers)
        return OutgoingCall(self._core, invite, where, headers=typed, credentials=credentials)

    async def options(self, target: SipUri | str, *, from_uri: str, destination: Address | None = None) -> Response:
        """Ask what the peer can do; return its response, a made-up 408 when none comes in 64*T1. Raises SipError."""
        where = destination or address_of(str(target))
        if where is None:
            raise SipError(f"{target} has no IP address to send to")
        request = self._new_invite(str(target), from_uri, str(target), None)
        request.method = "OPTIONS"
        request.headers.set("CSeq", "1 OPTIONS")
        return await self._core.transact(self._core.dress(request), where)

    def send_raw(self, data: bytes, address: Address) -> None:
        """Put any bytes on the wire, past the faults."""
        self._transport.send_raw(data, address)

    def _new_invite(self, target: str, from_uri: str, to_uri: str, call_id: str | None) -> Request:
        try:
            invite = Request("INVITE", URI.parse(target))
            caller, called = _name_address(from_uri), _name_address(to_uri)
        except ValueError:
            raise SipError(f"{target}, {from_uri} or {to_uri} is no usable SIP URI") from None
        invite.headers.set("Max-Forwards", "70")
        invite.headers.set("From", f"{caller};tag={new_tag()}")
        invite.headers.set("To", called)
        invite.headers.set("Call-ID", call_id or new_call_id(self._core.host))
        invite.headers.set("CSeq", "1 INVITE")
        return invite

    def _receive_request(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method not in {*BASE_METHODS, *_IN_DIALOG_METHODS}:
            self._refuse(transaction, 405, ("Allow", ", ".join(self.allow)))
        elif tag := tag_of(request.headers["To"]):
            call = self._core.calls.get((request.call_id, tag))
            if call and call.remote_tag == tag_of(request.headers["From"]):
                call.receive(transaction)
            else:
                self._refuse(transaction, 481)
        elif request.method == "INVITE":
            self._receive_invite(transaction)
        elif request.method == "OPTIONS":
            self._refuse(transaction, 200, ("Allow", ", ".join(self.allow)), ("Accept", "application/sdp"))
        else:
            self._refuse(transaction, 481)

    def _receive_invite(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if not all_values(request, "Contact"):
            return self._refuse(transaction, 400)
        if needed := all_values(request, "Require"):
            return self._refuse(transaction, 420, ("Unsupported", ", ".join(needed)))
        if self._is_merged(request):
            return self._refuse(transaction, 482)
        if self.on_invite is None:
            return self._refuse(transaction, 480)
        call = IncomingCall(self._core, transaction)
        call.respond(transaction, 100)
        self._core.spawn(self._run(call, self.on_invite))
        return None

    async def _run(self, call: IncomingCall, handle: Callable[[IncomingCall], Awaitable[None]]) -> None:
        try:
            await handle(call)
        except Exception:
            await call.reject(500)
            raise

    def _is_merged(self, request: Request) -> bool:
        """Section 8.2.2.2: the same INVITE came on two ways."""
        known = (call.request for call in self.calls if isinstance(call, IncomingCall))
        mark = (request.call_id, tag_of(request.headers["From"]), request.cseq.sequence)
        return any(mark == (seen.call_id, tag_of(seen.headers["From"]), seen.cseq.sequence) for seen in known)

    def _receive_ack(self, request: Request) -> None:
        call = self._core.calls.get((request.call_id, tag_of(request.headers["To"]) or ""))
        if call and call.remote_tag == tag_of(request.headers["From"]):
            call.receive_ack(request)

    def _refuse(self, transaction: ServerTransaction, status: int, *headers: tuple[str, str]) -> None:
        own = [("Server", self._core.user_agent), *headers]
        transaction.respond(response_to(transaction.request, status, to_tag=new_tag(), headers=own))


def _name_address(text: str) -> str:
    """Return a From or To value in brackets, so that URI parameters stay inside. Raises ValueError."""
    return str(NameAddress.parse(text if "<" in text else f"<{text}>"))
