"""A call that we began: progress, answer or refusal, cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from sipmessage import Request, Response

from lab.sip.core import Core, HeaderList, authorization
from lab.sip.dialog import Dialog
from lab.sip.errors import CallRejected
from lab.sip.leg import Call, EndReason
from lab.sip.message import Address, put_headers, tag_of, top_via, uri_of
from lab.sip.transaction import ClientTransaction

_ATTEMPTS = 3
"""Challenges answered: one, one more for a stale nonce, one for a second hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A response to the INVITE, provisional or final, as it came. `at_s` is time.monotonic."""

    status: int
    reason: str
    at_s: float
    sdp: bytes = b""


class OutgoingCall(Call):
    """An INVITE of ours. Digest challenges are answered when there are credentials.

    `invited_s` is when the first INVITE left (time.monotonic); `progress` has every response to it but repetitions of
    the final one, each of which `on_progress` was told.
    """

    def __init__(
        self,
        core: Core,
        invite: Request,
        destination: Address,
        *,
        headers: HeaderList,
        credentials: tuple[str, str] | None,
    ) -> None:
        super().__init__(core, invite, local_tag=tag_of(invite.headers["From"]) or "", credentials=credentials)
        self.local_uri = uri_of(invite.headers["From"])
        self.remote_uri = uri_of(invite.headers["To"])
        self.local_sdp = invite.body
        self.progress: list[Progress] = []
        self.on_progress: Callable[[Progress], None] | None = None
        self.invited_s = time.monotonic()
        self._destination = destination
        self._headers = headers
        self._attempts = 0
        self._outcome: asyncio.Future[Response | CallRejected] = asyncio.get_running_loop().create_future()
        self._acks: dict[str, tuple[bytes, Address]] = {}
        self._giving_up = False
        self._cancel_sent = False
        self._cancel_limit: asyncio.TimerHandle | None = None
        self._transaction = self._send_invite()

    async def answered(self) -> Response:
        """Return the 2xx; ACK has been sent and `remote_sdp` is set. Being cancelled does not cancel the call.

        Raises:
            CallRejected: any other final status; 487 after `cancel`; 408 with `on_wire` False when none came in time.
        """
        outcome = await asyncio.shield(self._outcome)
        if isinstance(outcome, CallRejected):
            raise outcome
        return outcome

    async def cancel(self) -> None:
        """Give the call up. Returns when it is over, on the wire too, or 64*T1 later.

        Before any response: waits for one (RFC 3261 section 9.1). A 2xx that crosses it is acknowledged and ended with
        BYE. Established: the same as `bye`. Over: nothing.
        """
        if self.state == "established":
            await self.bye()
            return
        self._giving_up = True
        if self._transaction.state == "proceeding":
            self._send_cancel()
        await self.ended.wait()

    def finish(self, reason: EndReason, *, forget: bool = True) -> None:
        """End the call, once."""
        if self._cancel_limit:
            self._cancel_limit.cancel()
        if not self._outcome.done():
            words = {"cancelled": "Request Terminated", "closed": "Endpoint Closed", "timeout": "Request Timeout"}
            reached = reason.cause in ("rejected", "cancelled")
            text = self.progress[-1].reason if reason.cause == "rejected" else words.get(reason.cause, "")
            self._outcome.set_result(CallRejected(reason.status or 408, text, on_wire=reached))
        super().finish(reason, forget=forget)

    def _send_invite(self, extra: HeaderList = ()) -> ClientTransaction:
        self._attempts += 1
        self._core.dress(self.request, [*self._headers, *extra], user=self.local_user)
        return self._core.layer.request(
            self.request, self._destination, on_response=self._receive_response, on_timeout=self._time_out
        )

    def _receive_response(self, response: Response, source: Address) -> None:
        if 200 <= response.code < 300:
            self._receive_success(response, source)
            return
        self._note(response)
        if self.end_reason:
            return
        if response.code < 200:
            self._receive_provisional(response)
        elif not self._try_again(response):
            self._refused(response)

    def _receive_provisional(self, response: Response) -> None:
        if response.code > 100:
            self.state = "ringing"
            self.remote_tag = tag_of(response.headers["To"])
        if self._giving_up:
            self._send_cancel()

    def _try_again(self, response: Response) -> bool:
        """Answer a challenge with a new INVITE (RFC 3261 section 22.2)."""
        extra = authorization(self.request, response, self._credentials)
        if extra is None or self._giving_up or self._attempts > _ATTEMPTS or self._refuses_password(response):
            return False
        again = Request("INVITE", self.request.uri, self.request.body)
        for name in ("Max-Forwards", "From", "To", "Call-ID"):
            again.headers.set(name, self.request.headers[name])
        again.headers.set("CSeq", f"{self.request.cseq.sequence + 1} INVITE")
        self.request = again
        self._transaction = self._send_invite([extra])
        return True

    def _refuses_password(self, response: Response) -> bool:
        """Say whether the challenge repeats one that we have answered, with no word that only the nonce was too old."""
        name, asked = ("Authorization", "WWW-Authenticate")
        if response.code == 407:
            name, asked = ("Proxy-Authorization", "Proxy-Authenticate")
        again = " ".join(response.headers.getlist(asked)).lower().replace('"', "")
        return self.request.headers.get(name) is not None and "stale=true" not in again

    def _refused(self, response: Response) -> None:
        if self._giving_up and response.code in (401, 407, 487):
            self.finish(EndReason(by="local", status=487, cause="cancelled"))
        else:
            self.finish(EndReason(by="remote", status=response.code, cause="rejected"))

    def _receive_success(self, response: Response, source: Address) -> None:
        tag = tag_of(response.headers["To"]) or ""
        if tag in self._acks:
            self._core.layer.send(*self._acks[tag])
            return
        dialog = Dialog.of_response(self.request, response, source)
        self._acknowledge_answer(tag, dialog)
        if self.end_reason or self._giving_up or self._dialog:
            self._end_unwanted(dialog)  # it crossed our CANCEL, or a second phone answered too
            return
        self._note(response)
        self._dialog = dialog
        self._learn_remote(response.headers["To"])
        self.remote_sdp = response.body
        self.state = "established"
        self._outcome.set_result(response)

    def _acknowledge_answer(self, tag: str, dialog: Dialog) -> None:
        """Send the ACK, with the INVITE's credentials (RFC 3261 section 22.1)."""
        ack = dialog.request("ACK", sequence=self.request.cseq.sequence)
        names = ("Authorization", "Proxy-Authorization")
        given = [(name, value) for name in names for value in self.request.headers.getlist(name)]
        self._core.dress(ack, given, user=self.local_user)
        destination = dialog.destination()
        self._acks[tag] = (self._core.send(ack, destination), destination)

    def _end_unwanted(self, dialog: Dialog) -> None:
        bye = self._core.dress(dialog.request("BYE"))
        self._core.spawn(self._send_unwanted_bye(bye, dialog.destination()))

    async def _send_unwanted_bye(self, bye: Request, destination: Address) -> None:
        await self._core.transact(bye, destination)
        if self._giving_up:
            self.finish(EndReason(by="local", status=487, cause="cancelled"))

    def _send_cancel(self) -> None:
        """Section 9.1: the INVITE's own branch, its request line, its To without a tag."""
        if self._cancel_sent or self.end_reason:
            return
        self._cancel_sent = True
        invite = self.request
        cancel = Request("CANCEL", invite.uri)
        cancel.headers.set("Via", top_via(invite))
        for name in ("Max-Forwards", "From", "To", "Call-ID"):
            cancel.headers.set(name, invite.headers[name])
        if routes := invite.headers.getlist("Route"):
            cancel.headers.setlist("Route", list(routes))
        cancel.headers.set("CSeq", f"{invite.cseq.sequence} CANCEL")
        put_headers(cancel, [("User-Agent", self._core.user_agent), ("Content-Length", "0")])
        self._core.layer.request(
            cancel, self._destination, on_response=self._cancel_answered, on_timeout=self._cancel_unheard
        )
        loop = asyncio.get_running_loop()
        self._cancel_limit = loop.call_later(self._core.timers.give_up_s, self._cancel_unheard)

    def _cancel_answered(self, response: Response, _source: Address) -> None:
        if response.code == 481 and not self._acks:
            self._cancel_unheard()  # the peer does not know the INVITE any more

    def _cancel_unheard(self) -> None:
        self._transaction.close()
        self.finish(EndReason(by="local", status=487, cause="cancelled"))

    def _time_out(self) -> None:
        if self._giving_up:
            self.finish(EndReason(by="local", status=487, cause="cancelled"))
        else:
            self.finish(EndReason(by="local", status=408, cause="timeout"))

    def _note(self, response: Response) -> None:
        step = Progress(status=response.code, reason=response.phrase, at_s=time.monotonic(), sdp=response.body)
        self.progress.append(step)
        if self.on_progress:
            self.on_progress(step)
