"""A call to a number with an Application: asked for instructions, answered here, followed to its end (D:xml).

Spoken are Speak and Play (a second of silence), Wait, Stream, Redirect, Hangup; any other element ends the call (8012).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from typing import Any, Final

from lab.media.clock import MediaClock
from lab.sip.call import CallOver, IncomingCall
from lab.sip.sdp import Sdp, SdpError
from lab.vobiz.account import Account
from lab.vobiz.calls.callbacks import CallbackError, Callbacks
from lab.vobiz.calls.causes import (
    BAD_XML,
    BY_API,
    CANCELLED,
    END_OF_XML,
    HANGUP,
    NO_ANSWER_URL,
    NO_MEDIA,
    NORMAL,
    UNKNOWN_ELEMENT,
    UNUSABLE_OFFER,
    Cause,
)
from lab.vobiz.calls.forms import IST, call_form, hangup_form, stream_form
from lab.vobiz.calls.phone_line import PhoneLine
from lab.vobiz.calls.routing import ToApplication
from lab.vobiz.calls.stream import Stream, StreamError
from lab.vobiz.calls.voice_xml import Element, VoiceXmlError, parse_document
from lab.vobiz.calls.waiting import first
from lab.vobiz.live import CallRecord, LiveCall

SPOKEN_S: Final = 1.0
"""How long a sentence or a file takes here."""
DYING_S: Final = 1.0
"""A call with a bad document is answered and dies after about a second."""
MAX_REDIRECTS: Final = 10


class ApplicationCall:
    """One call, with its RTP at `host`. `run` returns when it is over and the Application is being told so."""

    def __init__(
        self,
        call: IncomingCall,
        account: Account,
        callbacks: Callbacks,
        clock: MediaClock,
        *,
        to: ToApplication,
        record: CallRecord,
        live: LiveCall,
        host: str,
    ) -> None:
        self._call = call
        self._host = host
        self._account = account
        self._callbacks = callbacks
        self._clock = clock
        self._app = account.applications[to.app_id]
        self._to = to
        self._record = record
        self._live = live
        self._hung_up = asyncio.Event()
        self._began = datetime.now(IST)
        self._answered_at: datetime | None = None
        self._line: PhoneLine | None = None
        self._talking = asyncio.Event()
        self._exits = contextlib.AsyncExitStack()
        self._background: list[asyncio.Task[Any]] = []
        live.hang_up = self.hang_up

    async def hang_up(self) -> None:
        """End the call from the carrier's side."""
        self._hung_up.set()

    async def run(self) -> None:
        """Ring, ask, answer, follow; then hang up and tell the Application."""
        await self._call.ringing()
        work = asyncio.create_task(self._work())
        try:
            came = await first(
                work=work,
                caller=self._call.ended.wait(),
                carrier=self._hung_up.wait(),
                media=self._media_is_gone(),
            )
            cause = work.result() if came == "work" else self._cause(came)
        finally:
            for task in self._background:
                task.cancel()
            await asyncio.gather(*self._background, return_exceptions=True)
            await self._exits.aclose()
        self._record.cause, self._record.cause_code, self._record.ended_by = cause
        await self._end()
        self._tell_hangup(cause)

    def _cause(self, came: str) -> Cause:
        if came == "caller":
            return NORMAL if self._answered_at else CANCELLED
        return NO_MEDIA if came == "media" else BY_API

    async def _work(self) -> Cause:
        """Follow the Application's document, and those that it redirects to."""
        try:
            elements = await self._document()
        except CallbackError as error:
            self._record.reason = str(error)
            return NO_ANSWER_URL
        except VoiceXmlError as error:
            self._record.reason = str(error)
            return await self._die(BAD_XML)
        try:
            return await self._follow(elements)
        except SdpError as error:
            self._record.reason = str(error)
            await self._call.reject(488)
            return UNUSABLE_OFFER
        except (VoiceXmlError, CallbackError) as error:
            self._record.reason = str(error)
            return await self._die(BAD_XML)
        except CallOver:
            return NORMAL if self._answered_at else CANCELLED

    async def _document(self) -> list[Element]:
        """Ask answer_url, then fallback_answer_url. Raises CallbackError, VoiceXmlError: what answer_url did."""
        app, habits = self._app, self._account.habits
        problem: CallbackError | VoiceXmlError = CallbackError("no answer_url")
        for _ in range(habits.answer_tries):
            try:
                return await self._asked(app["answer_url"], app["answer_method"])
            except VoiceXmlError as error:
                problem = error
                break
            except CallbackError as error:
                problem = error
        if app["fallback_answer_url"]:
            self._record.reason = f"answer_url: {problem}"
            return await self._asked(app["fallback_answer_url"], app["fallback_method"])
        raise problem

    async def _asked(self, url: str, method: str) -> list[Element]:
        form = self._form("StartApp")
        body = await self._callbacks.ask(url, method, form, timeout_s=self._account.habits.answer_timeout_s)
        return parse_document(body)

    async def _follow(self, elements: list[Element]) -> Cause:
        for _ in range(MAX_REDIRECTS):
            next_url: tuple[str, str] | None = None
            for element in elements:
                if element.name == "Redirect":
                    next_url = element.text, element.attributes.get("method", "POST")
                    break
                ended = await self._do(element)
                if ended:
                    return ended
            if next_url is None:
                return END_OF_XML
            elements = await self._asked(*next_url)
        raise VoiceXmlError(f"more than {MAX_REDIRECTS} redirections")

    async def _do(self, element: Element) -> Cause | None:
        match element.name:
            case "Speak" | "Play":
                await self._answer()
                await asyncio.sleep(SPOKEN_S)
            case "Wait":
                await self._answer()
                await asyncio.sleep(element.number("length", 1))
            case "Stream":
                return await self._stream(element, await self._answer())
            case "Hangup":
                return await self._reject(element.attributes.get("reason", ""))
            case name:
                self._record.reason = f"the stand-in does not follow <{name}>"
                return UNKNOWN_ELEMENT
        return None

    async def _reject(self, reason: str) -> Cause:
        """A Hangup before the answer refuses the call, as its reason says."""
        await self._call.reject({"busy": 486}.get(reason, 603))
        return HANGUP

    async def _answer(self) -> PhoneLine:
        """Answer the caller, once. Raises SdpError, CallOver."""
        if self._line is not None:
            return self._line
        line = PhoneLine(self._clock, Sdp.parse(self._call.remote_sdp), host=self._host)
        await self._exits.enter_async_context(line)
        self._call.send_answer(line.answer)
        self._call.on_reinvite = lambda offer: _moved(line, offer)
        line.start()
        self._line = line
        self._talking.set()
        self._live.status = "in-progress"
        self._record.answered()
        self._answered_at = datetime.now(IST)
        return line

    async def _stream(self, element: Element, line: PhoneLine) -> Cause | None:
        """Open the socket; without keepCallAlive the document goes on at once, and usually to its end."""
        try:
            stream = Stream(
                element,
                line,
                self._callbacks.session,
                call_uuid=self._live.call_uuid,
                tell=lambda event, stream_id, **more: self._tell_stream(element, event, stream_id, **more),
            )
        except StreamError as error:
            self._record.reason = str(error)
            return END_OF_XML
        self._exits.callback(lambda: self._note_stream(stream))
        self._live.cut = stream.cut
        if stream.bidirectional and element.flag("keepCallAlive"):
            await stream.run()
        else:
            self._background.append(asyncio.create_task(stream.run()))
        return None

    def _note_stream(self, stream: Stream) -> None:
        self._record.stream = stream.told()

    async def _die(self, cause: Cause) -> Cause:
        with contextlib.suppress(SdpError, CallOver):
            await self._answer()
            await asyncio.sleep(DYING_S)
        return cause

    async def _media_is_gone(self) -> None:
        """Return when the caller has sent no RTP for too long, once answered."""
        limit_s = self._account.habits.media_timeout_s
        await self._talking.wait()
        answered_s = time.monotonic()
        while True:
            assert self._line is not None
            left_s = (self._line.last_heard_s or answered_s) + limit_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    async def _end(self) -> None:
        if self._call.state == "established":
            await self._call.bye()
        await self._call.reject(480)  # nothing happens to a call that is decided
        if not self._answered_at:
            reason = self._call.end_reason
            self._record.status = reason.status or 480 if reason else 480

    def _form(self, event: str) -> dict[str, str]:
        return call_form(event, self._call, self._account, to=self._to, live=self._live)

    def _tell_hangup(self, cause: Cause) -> None:
        form = self._form("Hangup") | hangup_form(cause, began=self._began, answered=self._answered_at)
        self._callbacks.tell(self._app["hangup_url"], self._app["hangup_method"], form)

    def _tell_stream(self, element: Element, event: str, stream_id: str, **more: str) -> None:
        url = element.attributes.get("statusCallbackUrl")
        if url:
            form = stream_form(self._form(event), stream_id) | more
            self._callbacks.tell(url, element.attributes.get("statusCallbackMethod", "POST"), form)


def _moved(line: PhoneLine, offer: bytes) -> bytes | int:
    try:
        return line.moved(offer)
    except SdpError:
        return 488
