"""An endpoint whose calls come in pairs: a re-INVITE of one leg is answered with what the other leg says to it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from lab.sip.call import Call, CallOver
from lab.sip.core import is_made_up
from lab.sip.endpoint import SipEndpoint
from lab.sip.message import tag_of
from lab.sip.transaction import ServerTransaction


class PairingEndpoint(SipEndpoint):
    """A SIP endpoint that knows which call is the other leg of which.

    `Call.on_reinvite` must answer at once, but the other leg's answer takes a round trip; so the request of a paired
    call is kept from the call until that answer is there.
    """

    _others: dict[Call, Call]
    _asking: set[Call]

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._others = {}
        self._asking = set()

    def pair(self, one: Call, other: Call) -> None:
        """Relay between two established calls from now on."""
        self._others[one], self._others[other] = other, one

    def unpair(self, call: Call) -> None:
        """Relay no more between a call and its other leg."""
        other = self._others.pop(call, None)
        if other is not None:
            self._others.pop(other, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that dies with the endpoint."""
        self._core.spawn(work)

    def _receive_request(self, transaction: ServerTransaction) -> None:
        call, other = self._pair_of(transaction)
        if call is None or other is None:
            super()._receive_request(transaction)
        elif self._asking & {call, other}:
            call.respond(transaction, 491)  # RFC 3261 section 14.2: one at a time, in both directions
        else:
            self._asking.add(call)
            call.respond(transaction, 100)
            self.spawn(self._ask_other(call, other, transaction))

    def _pair_of(self, transaction: ServerTransaction) -> tuple[Call | None, Call | None]:
        """The call and other leg of a re-INVITE; without an offer nothing changes, so the other leg is not asked."""
        request = transaction.request
        if request.method != "INVITE" or not request.body:
            return None, None
        call = self._core.calls.get((request.call_id, tag_of(request.headers["To"]) or ""))
        if not isinstance(call, Call) or call.remote_tag != tag_of(request.headers["From"]):
            return None, None
        return call, self._others.get(call)

    async def _ask_other(self, call: Call, other: Call, transaction: ServerTransaction) -> None:
        try:
            response = await other.reinvite(transaction.request.body)
        except CallOver:
            answer: bytes | int = 480
        else:
            accepted = 200 <= response.code < 300
            refused = 480 if is_made_up(response) else response.code
            answer = (response.body or other.remote_sdp) if accepted else refused
        finally:
            self._asking.discard(call)
        call.on_reinvite = lambda _offer: answer
        super()._receive_request(transaction)
        call.on_reinvite = None
