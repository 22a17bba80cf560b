"""RFC 3261 section 17, corrected by RFC 6026: one exchange of a request and its responses, with its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

from sipmessage import Request, Response

from lab.sip.message import Address, branch_of, reply_address, sent_by, top_via
from lab.sip.timers import Timers

OnResponse = Callable[[Response, Address], None]
ClientKey = tuple[str, str]
ServerKey = tuple[str, ...]
ClientState = Literal["trying", "proceeding", "completed", "accepted", "terminated"]
ServerState = Literal["proceeding", "completed", "confirmed", "accepted", "terminated"]


class Wire(Protocol):
    """What a transaction needs: somewhere to send, the timers, and a place to say that it is done."""

    timers: Timers

    def send(self, data: bytes, address: Address) -> None:
        """Put a message on the wire."""

    def forget(self, transaction: ClientTransaction | ServerTransaction) -> None:
        """The transaction has terminated."""


class _Alarms:
    """At most one retransmission and one end timer."""

    def __init__(self) -> None:
        self._repeat: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    def repeat_in(self, delay_s: float, action: Callable[[], None]) -> None:
        self.stop_repeat()
        self._repeat = asyncio.get_running_loop().call_later(delay_s, action)

    def end_in(self, delay_s: float, action: Callable[[], None]) -> None:
        self.stop_end()
        self._end = asyncio.get_running_loop().call_later(delay_s, action)

    def stop_repeat(self) -> None:
        if self._repeat:
            self._repeat.cancel()

    def stop_end(self) -> None:
        if self._end:
            self._end.cancel()

    def stop(self) -> None:
        self.stop_repeat()
        self.stop_end()


class ClientTransaction:
    """A request of ours until it has its final response (section 17.1).

    on_response   each provisional response, the final one once, and every repetition of a 2xx to INVITE, since the ACK
                  for it is not the transaction's.
    on_timeout    no final response in 64*T1; an INVITE that got a provisional one waits for as long as it takes.
    """

    def __init__(
        self,
        wire: Wire,
        request: Request,
        destination: Address,
        *,
        on_response: OnResponse,
        on_timeout: Callable[[], None],
    ) -> None:
        self.request = request
        self.destination = destination
        self.state: ClientState = "trying"
        self.key: ClientKey = (branch_of(top_via(request)), request.method)
        self._wire = wire
        self._data = bytes(request)
        self._on_response = on_response
        self._on_timeout = on_timeout
        self._alarms = _Alarms()
        self._interval_s = wire.timers.t1_s
        self._is_invite = request.method == "INVITE"
        self._ack: bytes | None = None

    def start(self) -> None:
        """Send the request; timers A and B, or E and F."""
        self._wire.send(self._data, self.destination)
        self._alarms.repeat_in(self._interval_s, self._repeat)
        self._alarms.end_in(self._wire.timers.give_up_s, self._time_out)

    def receive(self, response: Response, source: Address) -> None:
        """Take a response that belongs here."""
        if response.code < 200:
            self._receive_provisional(response, source)
        elif self._is_invite and response.code < 300:
            self._receive_invite_success(response, source)
        elif self._is_invite:
            self._receive_invite_failure(response, source)
        elif self.state in ("trying", "proceeding"):
            self._end_after("completed", self._wire.timers.t4_s)  # timer K
            self._on_response(response, source)

    def close(self) -> None:
        """End without a word."""
        self.state = "terminated"
        self._alarms.stop()
        self._wire.forget(self)

    def _receive_provisional(self, response: Response, source: Address) -> None:
        if self.state not in ("trying", "proceeding"):
            return
        self.state = "proceeding"
        if self._is_invite:
            self._alarms.stop()
        self._on_response(response, source)

    def _receive_invite_success(self, response: Response, source: Address) -> None:
        if self.state in ("trying", "proceeding"):
            self._end_after("accepted", self._wire.timers.give_up_s)  # timer M
        if self.state == "accepted":
            self._on_response(response, source)

    def _receive_invite_failure(self, response: Response, source: Address) -> None:
        if self.state in ("trying", "proceeding"):
            self._end_after("completed", self._wire.timers.give_up_s)  # timer D
            self._ack = bytes(_ack_for_failure(self.request, response))
            self._wire.send(self._ack, self.destination)
            self._on_response(response, source)
        elif self.state == "completed" and self._ack:
            self._wire.send(self._ack, self.destination)

    def _end_after(self, state: ClientState, delay_s: float) -> None:
        self.state = state
        self._alarms.stop()
        self._alarms.end_in(delay_s, self.close)

    def _repeat(self) -> None:
        self._wire.send(self._data, self.destination)
        self._interval_s *= 2
        if not self._is_invite:
            slow = self.state == "proceeding"
            self._interval_s = self._wire.timers.t2_s if slow else min(self._interval_s, self._wire.timers.t2_s)
        self._alarms.repeat_in(self._interval_s, self._repeat)

    def _time_out(self) -> None:
        self.close()
        self._on_timeout()


class ServerTransaction:
    """A request of the peer until its final response is known to have arrived (section 17.2).

    on_cancel   the peer cancels this INVITE, which has no final response yet; None: it may not be cancelled.
    """

    def __init__(self, wire: Wire, request: Request, source: Address) -> None:
        self.request = request
        self.source = source
        self.state: ServerState = "proceeding"
        self.key = server_key(request)
        self.on_cancel: Callable[[], None] | None = None
        self._wire = wire
        self._reply_to = reply_address(request, source)
        self._last: bytes | None = None
        self._alarms = _Alarms()
        self._interval_s = wire.timers.t1_s
        self._is_invite = request.method == "INVITE"

    def respond(self, response: Response) -> None:
        """Send a response. After a final one only the same 2xx may be sent again; anything else is left out."""
        data = bytes(response)
        if self.state == "accepted" and 200 <= response.code < 300:
            self._wire.send(data, self._reply_to)
        if self.state != "proceeding":
            return
        self._last = data
        if response.code >= 200:
            self._complete(response.code)
        self._wire.send(data, self._reply_to)

    def receive_again(self) -> None:
        """The request was repeated: so is the newest response. The INVITE's 2xx is repeated by the call instead."""
        if self._last and self.state in ("proceeding", "completed"):
            self._wire.send(self._last, self._reply_to)

    def receive_ack(self) -> bool:
        """Take an ACK; False when it is for a 2xx and so not ours."""
        if self.state == "completed":
            self.state = "confirmed"
            self._alarms.stop()
            self._alarms.end_in(self._wire.timers.t4_s, self.close)  # timer I
        return self.state != "accepted"

    def abandon(self) -> None:
        """Never answer; repetitions are absorbed for 64*T1."""
        self.on_cancel = None
        self._last = None
        self._alarms.end_in(self._wire.timers.give_up_s, self.close)

    def close(self) -> None:
        """End without a word."""
        self.state = "terminated"
        self._alarms.stop()
        self._wire.forget(self)

    def _complete(self, status: int) -> None:
        accepted = self._is_invite and status < 300
        self.state = "accepted" if accepted else "completed"
        self._alarms.end_in(self._wire.timers.give_up_s, self.close)  # timers H, J, L
        if self._is_invite and not accepted:
            self._alarms.repeat_in(self._interval_s, self._repeat)  # timer G

    def _repeat(self) -> None:
        if self._last:
            self._wire.send(self._last, self._reply_to)
        self._interval_s = min(2 * self._interval_s, self._wire.timers.t2_s)
        self._alarms.repeat_in(self._interval_s, self._repeat)


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """Return what requests of one transaction share (section 17.2.3); an ACK or CANCEL is matched as the INVITE."""
    via = top_via(request)
    host, port = sent_by(via)
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    return (branch_of(via), f"{host}:{port}", method)


def _ack_for_failure(request: Request, response: Response) -> Request:
    """Section 17.1.1.3: the INVITE's own branch, the response's To."""
    ack = Request("ACK", request.uri)
    ack.headers.set("Via", top_via(request))
    ack.headers.set("Max-Forwards", "70")
    ack.headers.set("From", request.headers["From"])
    ack.headers.set("To", response.headers["To"])
    ack.headers.set("Call-ID", request.call_id)
    ack.headers.set("CSeq", f"{request.cseq.sequence} ACK")
    if routes := request.headers.getlist("Route"):
        ack.headers.setlist("Route", list(routes))
    ack.headers.set("Content-Length", "0")
    return ack
