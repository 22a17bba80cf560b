"""REFER in a call (RFC 3515): the one that we sent, and the one that we received."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from sipmessage import Request, Response

from lab.sip.message import REASONS, parameter, uri_of

_FRAGMENT = re.compile(rb"SIP/2\.0 ([1-6][0-9][0-9])(?: |\r|\n|$)")
_SUBSCRIPTION_S = 60
SendNotify = Callable[[bytes, list[tuple[str, str]]], Awaitable[Response]]


class Referral:
    """A REFER that we sent. `status` is its final response; `statuses` are those that NOTIFYs reported, in order."""

    def __init__(self) -> None:
        self.status = 0
        self.reason = ""
        self.statuses: list[int] = []
        self._sequences: set[str] = set()
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def accepted(self) -> bool:
        """Whether the peer took the REFER (2xx)."""
        return 200 <= self.status < 300

    async def __aiter__(self) -> AsyncIterator[int]:
        """Yield each status that a NOTIFY reports, 1xx too; ends with the subscription or the call."""
        place = 0
        while True:
            while place < len(self.statuses):
                yield self.statuses[place]
                place += 1
            if self._closed:
                return
            await self._changed.wait()

    async def outcome(self) -> int | None:
        """Return the first reported status of 200 or above; None when the subscription or the call ended without one.

        Waits for as long as it takes: put a timeout around it.
        """
        async for status in self:
            if status >= 200:
                return status
        return None

    def sent_as(self, request: Request) -> None:
        """Remember the CSeq: NOTIFYs may carry it as the event's id (section 2.4.6)."""
        self._sequences.add(str(request.cseq.sequence))

    def answered(self, response: Response) -> None:
        """Take the REFER's final response."""
        self.status, self.reason = response.code, response.phrase
        if not self.accepted:
            self.close()

    def wants(self, event: str) -> bool:
        """Say whether a NOTIFY with this Event header is for this referral."""
        event_id = parameter(event, "id")
        return not self._closed and (event_id is None or event_id in self._sequences)

    def notified(self, request: Request) -> bool:
        """Take a NOTIFY; False when its body is no sipfrag with a status."""
        match = _FRAGMENT.match(request.body.lstrip())
        ends = (request.headers.get("Subscription-State") or "").strip().lower().startswith("terminated")
        if match:
            self.statuses.append(int(match[1]))
        if ends:
            self.close()
        self._wake()
        return match is not None or ends

    def close(self) -> None:
        """No NOTIFY can come any more."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class ReceivedRefer:
    """A REFER that the peer sent, given to `Call.on_refer`, which returns the status to answer with (202, 603, ...).

    `refer_to` is the header's URI without angle brackets, e.g. ``sip:+919812345678@192.0.2.1``.
    """

    def __init__(self, request: Request, send: SendNotify) -> None:
        self.request = request
        self.refer_to = uri_of(request.headers.get("Refer-To") or "")
        self.answered = asyncio.Event()
        self._send = send

    async def notify(self, status: int, reason: str = "", *, final: bool | None = None) -> int:
        """Tell the peer how far the referred call is (NOTIFY with a sipfrag); return the NOTIFY's own final status.

        Waits until the REFER itself was answered. `final` says whether this ends the subscription; by default a
        status of 200 or above does. Raises CallOver when the call has ended.
        """
        await self.answered.wait()
        final = status >= 200 if final is None else final
        state = "terminated;reason=noresource" if final else f"active;expires={_SUBSCRIPTION_S}"
        body = f"SIP/2.0 {status} {reason or REASONS.get(status, 'Unknown')}\r\n".encode()
        headers = [
            ("Event", f"refer;id={self.request.cseq.sequence}"),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ]
        return (await self._send(body, headers)).code
