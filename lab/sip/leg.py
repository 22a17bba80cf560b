"""What incoming and outgoing calls share: the dialog, its end, re-INVITE and REFER both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from sipmessage import Request, Response

from lab.sip.core import Core, HeaderList, is_made_up
from lab.sip.dialog import Dialog
from lab.sip.errors import CallOver, SipError
from lab.sip.message import Address, response_to, tag_of, uri_of
from lab.sip.referral import ReceivedRefer, Referral
from lab.sip.repeated_answer import RepeatedAnswer
from lab.sip.transaction import ServerTransaction

CallState = Literal["calling", "ringing", "established", "ended"]
_SDP_TYPE = ("Content-Type", "application/sdp")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReason:
    """Who ended a call and how.

    `status` is the final SIP status of a call that was never established, else None. `cause` is one of: bye, rejected,
    cancelled, timeout (no final response), abandoned, closed (the endpoint was closed).
    """

    by: Literal["local", "remote"]
    status: int | None
    cause: str


class Call:
    """One call of an endpoint. Callbacks may be set at any time; they run in the event loop.

    on_reinvite(offer)    the peer's re-INVITE: return the SDP to answer 200 with, or a status to refuse with. `offer`
                          is b"" when it has none; `remote_sdp` is already the new one. Without it: 200, `local_sdp`.
    on_refer(refer)       the peer's REFER: return the status to answer with. Without it: 405.
    on_ended(reason)      the call has ended, once.

    `request` is the INVITE that made the call (the newest one, when it was repeated with credentials).
    """

    def __init__(
        self, core: Core, request: Request, *, local_tag: str, credentials: tuple[str, str] | None = None
    ) -> None:
        self.request = request
        self.call_id = request.call_id
        self.local_tag = local_tag
        self.remote_tag: str | None = None
        self.local_uri = ""
        self.remote_uri = ""
        self.local_sdp = b""
        self.remote_sdp = b""
        self.state: CallState = "calling"
        self.ended = asyncio.Event()
        self.end_reason: EndReason | None = None
        self.on_reinvite: Callable[[bytes], bytes | int] | None = None
        self.on_refer: Callable[[ReceivedRefer], Awaitable[int]] | None = None
        self.on_ended: Callable[[EndReason], None] | None = None
        self._core = core
        self._credentials = credentials
        self._dialog: Dialog | None = None
        self._answers: dict[int, RepeatedAnswer] = {}
        self._referrals: list[Referral] = []
        self._reinviting = False
        core.calls[self.call_id, local_tag] = self

    async def wait_ended(self) -> EndReason:
        """Return the reason when the call has ended."""
        await self.ended.wait()
        assert self.end_reason is not None
        return self.end_reason

    async def bye(self, headers: HeaderList = ()) -> int | None:
        """End an established call; return the BYE's final status, None when nobody answered it in 64*T1.

        `ended` is set when the BYE leaves. An answered call whose ACK has not come yet is ended after the ACK or
        64*T1 (RFC 3261 section 15). Returns None at once when the call is over. Raises SipError before the answer.
        """
        if self.state not in ("established", "ended"):
            raise SipError("a call that was not answered yet cannot be ended with BYE")
        for answer in list(self._answers.values()):
            await answer.wait()
        if self.end_reason:
            return None
        self.finish(EndReason(by="local", status=None, cause="bye"), forget=False)
        try:
            response = await self._exchange("BYE", headers=headers)
        finally:
            self._core.calls.pop((self.call_id, self.local_tag), None)
        return None if is_made_up(response) else response.code

    async def reinvite(self, sdp: bytes, headers: HeaderList = ()) -> Response:
        """Send a re-INVITE and return its final response; on 2xx both SDPs are replaced and ACK is sent.

        A timeout gives a made-up 408. Raises CallOver when the call is not established.
        """
        dialog = self._established()
        acks: dict[int, bytes] = {}

        def acknowledge(response: Response, source: Address) -> None:
            dialog.refresh(response, source)
            self._acknowledge(dialog, response, acks)

        self._reinviting = True
        try:
            response = await self._exchange("INVITE", body=sdp, headers=headers, on_success=acknowledge)
        finally:
            self._reinviting = False
        if 200 <= response.code < 300:
            self.local_sdp, self.remote_sdp = sdp, response.body or self.remote_sdp
        return response

    async def refer(self, refer_to: str, headers: HeaderList = ()) -> Referral:
        """Ask the peer to call `refer_to` (a URI); returns when the REFER has its final response (408: none came).

        Raises CallOver when the call is not established.
        """
        self._established()
        referral = Referral()
        self._referrals.append(referral)
        target = refer_to if "<" in refer_to else f"<{refer_to}>"
        response = await self._exchange("REFER", headers=[("Refer-To", target), *headers], on_sent=referral.sent_as)
        referral.answered(response)
        return referral

    async def send_request(self, method: str, *, body: bytes = b"", headers: HeaderList = ()) -> Response:
        """Send any other request inside the dialog and return its final response (a made-up 408 after 64*T1)."""
        self._established()
        return await self._exchange(method, body=body, headers=headers)

    def receive(self, transaction: ServerTransaction) -> None:
        """Take a request inside the dialog (from the core)."""
        dialog, request = self._dialog, transaction.request
        if dialog is None or (self.end_reason and request.method != "BYE"):
            return self.respond(transaction, 481)
        if dialog.remote_cseq is not None and request.cseq.sequence < dialog.remote_cseq:
            return self.respond(transaction, 500, "CSeq Out Of Order")  # RFC 3261 section 12.2.2
        dialog.remote_cseq = request.cseq.sequence
        match request.method:
            case "BYE":
                self.respond(transaction, 200)
                self.hung_up()
            case "INVITE":
                self._receive_reinvite(transaction, dialog)
            case "REFER":
                self._receive_refer(transaction)
            case "NOTIFY":
                self.respond(transaction, self._receive_notify(request))
            case _:
                self.respond(transaction, 200, headers=[("Allow", ", ".join(self._core.allow))])
        return None

    def receive_ack(self, request: Request) -> None:
        """Take an ACK for a 2xx (from the core)."""
        answer = self._answers.pop(request.cseq.sequence, None)
        if answer:
            answer.acknowledge()
            if not answer.offered and request.body:
                self.remote_sdp = request.body

    def hung_up(self) -> None:
        """The peer sent BYE."""
        self.finish(EndReason(by="remote", status=None, cause="bye"))

    def close(self) -> None:
        """The endpoint is being closed (from the core)."""
        self.finish(EndReason(by="local", status=None, cause="closed"))

    def finish(self, reason: EndReason, *, forget: bool = True) -> None:
        """End the call, once. `forget` False: requests of the peer are still known until our BYE has its answer."""
        if forget:
            self._core.calls.pop((self.call_id, self.local_tag), None)
        if self.end_reason:
            return
        self.state, self.end_reason = "ended", reason
        for answer in self._answers.values():
            answer.stop()
        for referral in self._referrals:
            referral.close()
        self.ended.set()
        if self.on_ended:
            self.on_ended(reason)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str = "",
        *,
        headers: HeaderList = (),
        body: bytes = b"",
    ) -> None:
        """Send a response with our tag."""
        request = transaction.request
        own = [("Server", self._core.user_agent)]
        if request.method in ("INVITE", "REFER") and 100 < status < 300:
            own.append(("Contact", self._core.contact(self.local_user)))
        if request.method == "INVITE":
            own += [("Record-Route", value) for value in request.headers.getlist("Record-Route")]
        if request.method == "INVITE" and 200 <= status < 300:
            own.append(("Allow", ", ".join(self._core.allow)))
        if body:
            own.append(_SDP_TYPE)
        tag = self.local_tag if status > 100 else None
        given = {name.lower() for name, _ in headers}
        merged = [pair for pair in own if pair[0].lower() not in given] + list(headers)
        transaction.respond(response_to(request, status, reason, to_tag=tag, headers=merged, body=body))

    def repeat_answer(self, transaction: ServerTransaction, sdp: bytes, headers: HeaderList = ()) -> RepeatedAnswer:
        """Answer an INVITE with 200 until its ACK comes."""
        answer = RepeatedAnswer(
            self._core.timers,
            lambda: self.respond(transaction, 200, headers=headers, body=sdp),
            offered=bool(transaction.request.body),
        )
        self._answers[transaction.request.cseq.sequence] = answer
        return answer

    @property
    def local_user(self) -> str | None:
        """The user part of our own URI."""
        user, at, _ = self.local_uri.partition(":")[2].partition("@")
        return user if at else None

    def _established(self) -> Dialog:
        if self.state != "established" or self._dialog is None:
            raise CallOver("the call is not established")
        return self._dialog

    async def _exchange(
        self,
        method: str,
        *,
        body: bytes = b"",
        headers: HeaderList = (),
        on_success: Callable[[Response, Address], None] | None = None,
        on_sent: Callable[[Request], None] | None = None,
    ) -> Response:
        dialog = self._dialog
        assert dialog is not None

        def make(extra: HeaderList) -> Request:
            own = [_SDP_TYPE] if method == "INVITE" and body else []
            request = dialog.request(method, body=body)
            self._core.dress(request, [*own, *headers, *extra], user=self.local_user)
            if on_sent:
                on_sent(request)
            return request

        return await self._core.exchange(
            make, dialog.destination(), credentials=self._credentials, on_success=on_success
        )

    def _acknowledge(self, dialog: Dialog, response: Response, sent: dict[int, bytes]) -> None:
        """Send the ACK for a 2xx, the same bytes for each repetition of it."""
        sequence = response.cseq.sequence
        if sequence in sent:
            self._core.layer.send(sent[sequence], dialog.destination())
            return
        ack = self._core.dress(dialog.request("ACK", sequence=sequence), user=self.local_user)
        sent[sequence] = self._core.send(ack, dialog.destination())

    def _receive_reinvite(self, transaction: ServerTransaction, dialog: Dialog) -> None:
        if self.state != "established":
            return self.respond(transaction, 500, headers=[("Retry-After", "2")])  # RFC 3261 section 14.2
        if self._reinviting:
            return self.respond(transaction, 491)
        dialog.refresh(transaction.request, transaction.source)
        before, offer = self.remote_sdp, transaction.request.body
        self.remote_sdp = offer or before
        answer = self.on_reinvite(offer) if self.on_reinvite else self.local_sdp
        if isinstance(answer, int):
            self.remote_sdp = before
            return self.respond(transaction, answer)
        self.local_sdp = answer
        self.repeat_answer(transaction, answer)
        return None

    def _receive_refer(self, transaction: ServerTransaction) -> None:
        if self.on_refer is None:
            return self.respond(transaction, 405, headers=[("Allow", ", ".join(self._core.allow))])
        if len(transaction.request.headers.getlist("Refer-To")) != 1:
            return self.respond(transaction, 400, "One Refer-To Needed")  # RFC 3515 section 2.4.2
        self._core.spawn(self._answer_refer(transaction, self.on_refer))
        return None

    async def _answer_refer(
        self, transaction: ServerTransaction, decide: Callable[[ReceivedRefer], Awaitable[int]]
    ) -> None:
        refer = ReceivedRefer(transaction.request, self._send_notify)
        status = 500
        try:
            status = await decide(refer)
        finally:
            self.respond(transaction, status)
            refer.answered.set()

    async def _send_notify(self, body: bytes, headers: HeaderList) -> Response:
        return await self.send_request("NOTIFY", body=body, headers=headers)

    def _receive_notify(self, request: Request) -> int:
        event = request.headers.get("Event") or ""
        if event.partition(";")[0].strip().lower() != "refer":
            return 489
        for referral in self._referrals:
            if referral.wants(event):
                return 200 if referral.notified(request) else 400
        return 481

    def _learn_remote(self, header: str) -> None:
        self.remote_tag = tag_of(header)
        self.remote_uri = uri_of(header)
