"""A call that the peer began: ring, answer, reject, challenge; the peer may cancel at any time."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from lab.sip.core import Core, HeaderList
from lab.sip.dialog import Dialog
from lab.sip.digest import Algorithm, AuthVerdict, DigestCredentials
from lab.sip.errors import CallOver
from lab.sip.leg import Call, EndReason
from lab.sip.message import new_tag, uri_of
from lab.sip.repeated_answer import RepeatedAnswer
from lab.sip.transaction import ServerTransaction


class IncomingCall(Call):
    """An INVITE that began a dialog. 100 Trying has been sent when `SipEndpoint.on_invite` is called with it.

    `source` is where the INVITE came from, `invited_s` when (time.monotonic); `cancelled` is set when the peer
    cancelled, 487 has been sent by then.
    """

    def __init__(self, core: Core, transaction: ServerTransaction) -> None:
        request = transaction.request
        super().__init__(core, request, local_tag=new_tag())
        self.source = transaction.source
        self.invited_s = time.monotonic()
        self.cancelled = asyncio.Event()
        self.local_uri = uri_of(request.headers["To"])
        self.remote_sdp = request.body
        self._learn_remote(request.headers["From"])
        self._dialog = Dialog.of_request(request, self.local_tag, transaction.source)
        self._transaction = transaction
        self._answer: RepeatedAnswer | None = None
        transaction.on_cancel = self._cancelled_by_peer

    @property
    def is_open(self) -> bool:
        """Whether the INVITE still waits for its final response."""
        return self.end_reason is None and self._answer is None

    async def trying(self) -> None:
        """Send 100 Trying once more."""
        if self.is_open:
            self.respond(self._transaction, 100)

    async def ringing(self, status: int = 180, *, sdp: bytes = b"", headers: HeaderList = ()) -> None:
        """Send a provisional response (180, 183 with `sdp`); may be repeated. Does nothing once the call is decided."""
        if self.is_open:
            self.state = "ringing"
            self.respond(self._transaction, status, headers=headers, body=sdp)

    def send_answer(self, sdp: bytes, headers: HeaderList = ()) -> None:
        """Send 200 OK, repeated until the ACK comes; the call is established from now on.

        Raises CallOver when it was answered, refused or cancelled before.
        """
        if not self.is_open:
            raise CallOver("the call cannot be answered any more")
        self.state = "established"
        self.local_sdp = sdp
        self._answer = self.repeat_answer(self._transaction, sdp, headers)

    async def wait_ack(self) -> bool:
        """Return whether the ACK came, at the latest 64*T1 after `send_answer`; False too when the call ended first."""
        return await self._answer.wait() if self._answer else False

    async def answer(self, sdp: bytes, headers: HeaderList = ()) -> bool:
        """`send_answer`, then `wait_ack`. Without an ACK the call stays established: end it with `bye`."""
        self.send_answer(sdp, headers)
        return await self.wait_ack()

    async def reject(self, status: int, reason: str = "", headers: HeaderList = ()) -> None:
        """Refuse with a final status (300-699), repeated until its ACK. Does nothing once the call is decided."""
        if self.is_open:
            self.respond(self._transaction, status, reason, headers=headers)
            self.finish(EndReason(by="local", status=status, cause="rejected"))

    def abandon(self) -> None:
        """Forget the call without a final response, as livekit-sip does with a call that no rule wants."""
        if self.is_open:
            self._transaction.abandon()
            self.finish(EndReason(by="local", status=None, cause="abandoned"))

    async def challenge(
        self,
        status: Literal[401, 407] = 407,
        *,
        realm: str,
        algorithms: tuple[Algorithm, ...] = ("MD5",),
        stale: bool = False,
    ) -> None:
        """Ask for credentials; this call is over then. The next INVITE comes as a new call with the same Call-ID."""
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        issue = self._core.challenges.issue
        await self.reject(
            status,
            headers=[
                (name, issue(realm=realm, algorithm=algorithm, call_id=self.call_id, stale=stale))
                for algorithm in algorithms
            ],
        )

    @property
    def credentials(self) -> DigestCredentials | None:
        """What the INVITE's Authorization or Proxy-Authorization header presents; None without a readable one."""
        for name in ("Proxy-Authorization", "Authorization"):
            for value in self.request.headers.getlist(name):
                if found := DigestCredentials.parse(value):
                    return found
        return None

    def verify(self, username: str, password: str) -> AuthVerdict:
        """Check the INVITE's credentials against a challenge that this endpoint sent for the same Call-ID.

        missing: none, or for no challenge of ours; wrong: user or response differ; stale: the nonce is too old.
        """
        return self._core.challenges.verify(
            self.credentials, call_id=self.call_id, method="INVITE", username=username, password=password
        )

    def hung_up(self) -> None:
        """The peer sent BYE; before the answer that refuses the INVITE too (RFC 3261 section 15.1.2)."""
        if self.is_open:
            self.respond(self._transaction, 487)
        super().hung_up()

    def close(self) -> None:
        """The endpoint is being closed (from the core)."""
        super().close()
        self._transaction.on_cancel = None

    def _cancelled_by_peer(self) -> None:
        if self.is_open:
            self.respond(self._transaction, 487)
            self.cancelled.set()
            self.finish(EndReason(by="remote", status=487, cause="cancelled"))
