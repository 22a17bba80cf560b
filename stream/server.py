"""The server of the WebSocket door: the carrier's webhooks, the sockets of its calls, and whoever talks in them."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import WSCloseCode, web
from aiohttp.http_exceptions import HttpProcessingError

from stream.answer import CONTENT_TYPE, MAX_RETRIES, fallback_document, full_document, hangup_document, stream_document
from stream.capability import Capabilities
from stream.conversation import Converse, End
from stream.errors import CapabilityError, WebhookError
from stream.gate import Gate, Knock, Refusal, path_key
from stream.live_calls import LiveCalls
from stream.media_format import MediaFormat
from stream.seen import Seen
from stream.settings import StreamSettings
from stream.socket import CallSocket, SocketLimits
from stream.talking_calls import TalkingCalls
from stream.webhook import FIELDS_LIMIT, CallForm, read_call, read_hangup, read_stream

log = logging.getLogger("dialroom.stream")

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a form."""
TOKEN_S: Final = 86_400
"""How long a socket's token may be used: as long as the carrier lets a stream be (D:xml/stream, streamTimeout)."""
SWEEP_S: Final = 0.25
"""How often calls are looked for whose socket did not come. Counts are exact without it."""
SHUTDOWN_S: Final = 1.0
"""How long a request that is being answered may still take when the server closes."""
LINGERING_S: Final = 1.0
"""How long the rest of a request is thrown away that was answered before its end."""
_REFUSALS: Final[dict[Refusal, type[web.HTTPException]]] = {
    "path": web.HTTPNotFound,
    "address": web.HTTPForbidden,
    "signature missing": web.HTTPUnauthorized,
    "signature wrong": web.HTTPUnauthorized,
    "replayed": web.HTTPUnauthorized,
    "database": web.HTTPServiceUnavailable,
}
Answers = Callable[[CallForm], bool]
"""Says whether a call is for somebody here."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take.

    `socket_wait_s`: from the answer to the first socket. `reconnect_wait_s`: until a lost socket comes again.
    `farewell_s`: how long a conversation may go on when its call is over. `body_s`: until a form is there.
    """

    socket: SocketLimits = field(default_factory=SocketLimits)
    socket_wait_s: float = 30.0
    reconnect_wait_s: float = 20.0
    farewell_s: float = 10.0
    body_s: float = 5.0


class StreamServer:
    """Takes calls of the carrier and lets `converse` talk in them.

    `settings` say where it is and whom it believes, `seen` is asked for nonces, `media_format` is wanted of the
    carrier. A call for nobody here (`answers`) is ended before it is answered. Raises AnswerError for a sentence that
    cannot be said.
    """

    def __init__(
        self,
        settings: StreamSettings,
        converse: Converse,
        seen: Seen,
        *,
        media_format: MediaFormat = MediaFormat.MULAW_8000,
        limits: Limits | None = None,
        answers: Answers | None = None,
    ) -> None:
        self._answers = answers or (lambda _call: True)
        self._media_format = media_format
        self._limits = limits or Limits()
        secret = settings.secret.get_secret_value().encode()
        key, tokens = path_key(secret), settings.tokens
        self._capabilities = Capabilities(secret)
        self._gate = Gate(
            public_url=settings.public_url,
            key=key,
            tokens=tokens,
            seen=seen,
            cidrs=settings.carrier_cidrs,
            trusted_proxies=settings.trusted_proxies,
        )
        self.server_url = settings.server_url
        self._socket_url = settings.public_url.replace("http", "ws", 1) + "/vobiz/socket/"
        self._number = settings.full_number
        self._full = _full(settings)
        self._max_calls = settings.max_calls
        seats = LiveCalls(
            max_calls=settings.max_calls,
            socket_wait_s=self._limits.socket_wait_s,
            reconnect_wait_s=self._limits.reconnect_wait_s,
        )
        self._calls = TalkingCalls(seats, converse, media_format, farewell_s=self._limits.farewell_s)
        self._sockets: set[CallSocket] = set()
        self._refused: Counter[str] = Counter()
        self._broken_frames = 0
        self._failures = 0
        self._sweeping: asyncio.Task[None] | None = None
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._calmly])
        for prefix in ("", "/{key}"):
            for name, take in (
                ("answer", self._answer),
                ("hangup", self._hangup),
                ("after", self._after),
                ("status", self._status),
            ):
                app.router.add_route("GET", f"{prefix}/vobiz/{name}", take)
                app.router.add_route("POST", f"{prefix}/vobiz/{name}", take)
        app.router.add_get("/vobiz/socket/{token}", self._socket)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(
            app, access_log=None, logger=_http_log(), shutdown_timeout=SHUTDOWN_S, lingering_time=LINGERING_S
        )

    async def start(self, listener: socket.socket) -> None:
        """Take requests from a bound socket, which is closed with the server."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self._sweeping = asyncio.create_task(self._sweep())

    async def drain(self, limit_s: float) -> bool:
        """Take no new calls and wait for those that are there, up to a limit; say whether none is left.

        Whoever calls meanwhile gets what a call too many gets, and the health tells 503.
        """
        self._calls.drain()
        try:
            async with asyncio.timeout(limit_s):
                await self._calls.wait_quiet()
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """End the calls that are there, let their conversations say farewell, and close. May be called twice."""
        self._calls.drain()
        self._calls.end_all(End(reason="shutting down"))
        for each in list(self._sockets):
            each.leave(WSCloseCode.GOING_AWAY)
        await self._calls.wait_quiet()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._runner.cleanup()

    def health(self) -> dict[str, Any]:
        """Return exact counts of this moment.

        `calls` have a seat: they are `waiting` for their first socket, `talking`, or have `lost` theirs.
        `conversations` run, also a moment longer than their calls; `sockets` are open. Since the start:
        `broken_frames`, `refused` requests and sockets by reason, and `failures`, which should be none.
        """
        counts = self._calls.counts()
        return {
            "status": "draining" if self._calls.is_draining else "ok",
            "max_calls": self._max_calls,
            "calls": counts.taken,
            "waiting": counts.waiting,
            "talking": counts.talking,
            "lost": counts.lost,
            "free": counts.free,
            "conversations": self._calls.conversations,
            "sockets": len(self._sockets),
            "broken_frames": self._broken_frames + sum(each.broken for each in self._sockets),
            "refused": dict(self._refused),
            "failures": self._failures,
        }

    # Requests.

    @web.middleware
    async def _calmly(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer what is broken with 400, and what is our fault with 500, which the carrier tries again."""
        try:
            return await handler(request)
        except WebhookError as error:
            self._refused["form"] += 1
            log.warning("a form was refused", extra={"why": str(error)})
            return web.Response(status=400)
        except web.HTTPException:
            raise
        except ConnectionError:  # nobody is there to be answered
            return web.Response(status=400)
        except Exception:
            self._failures += 1
            log.exception("a request failed")
            return web.Response(status=500)

    async def _answer(self, request: web.Request) -> web.Response:
        fields = await self._fields(request)
        form = read_call(fields)
        if form.event == "Hangup":  # comes here when the application has no address of its own for it
            return self._over(fields)
        if form.event == "Ring":
            return web.Response()
        if not self._answers(form):
            self._refused["not answered here"] += 1
            log.warning("a call that nobody here answers", extra={"pii_called": form.called, "pii_caller": form.caller})
            return _document(hangup_document())
        answer, document = self._calls.answer(form, self._document)
        log.info("a call came", extra={"call_id": form.call_id, "answer": answer, "pii_caller": form.caller})
        match answer:
            case "seated" | "again":
                return _document(document)
            case "over":
                return _document(hangup_document())
            case "full" | "draining":
                self._refused[answer] += 1
                return _document(self._full)

    async def _hangup(self, request: web.Request) -> web.Response:
        return self._over(await self._fields(request))

    def _over(self, fields: Mapping[str, str]) -> web.Response:
        form = read_hangup(fields)
        self._calls.end(form.call_id, End(reason="hung up", hangup=form))
        return web.Response()

    async def _after(self, request: web.Request) -> web.Response:
        """Say what comes after the stream: the end, or somebody else when it was not we who ended it."""
        form = read_call(await self._fields(request))
        match self._calls.stream_over(form.call_id):
            case "ours" | "unknown":
                return _document(hangup_document())
            case "never began":
                return _document(self._full)
            case "lost":
                return _document(self._full if self._number is not None else hangup_document())

    async def _status(self, request: web.Request) -> web.Response:
        """Note what the stream tells; everything that matters comes through the socket, too."""
        form = read_stream(await self._fields(request))
        if form.event in ("DegradedStream", "DroppedStream"):
            log.warning(
                "the carrier has trouble with a stream",
                extra={"call_id": form.call_id, "event": form.event, "pii_error": form.error},
            )
        return web.Response()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        try:
            call_id = self._capabilities.read(request.match_info["token"], now_s=time.time())
        except CapabilityError as error:
            self._refused["token"] += 1
            log.warning("a socket was refused", extra={"why": str(error)})
            raise web.HTTPForbidden from None
        if not self._calls.has(call_id):
            self._refused["call over"] += 1
            log.warning("a socket of a call that is over was refused", extra={"call_id": call_id})
            raise web.HTTPForbidden
        ws = CallSocket.response()
        await ws.prepare(request)
        transport = request.transport
        if transport is None:  # gone meanwhile
            return ws
        carried = CallSocket(ws, transport, self._limits.socket)
        self._sockets.add(carried)
        try:
            ending = await carried.carry(lambda start, each: self._calls.open(call_id, start, each))
        finally:
            self._sockets.discard(carried)
            self._broken_frames += carried.broken
            self._calls.close(call_id, carried.stream_id)
        if ending in ("no start", "not its call", "broken frames", "does not read"):
            self._refused[ending] += 1
        self._failures += ending == "failed"
        log.info("a socket is closed", extra={"call_id": call_id, "stream_id": carried.stream_id, "ending": ending})
        return ws

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response(self.health(), status=503 if self._calls.is_draining else 200)

    async def _fields(self, request: web.Request) -> dict[str, str]:
        """Return the form of a request that is the carrier's. Raises WebhookError, and HTTPException for all others."""
        knock = Knock(
            path=request.raw_path.partition("?")[0],
            key=request.match_info.get("key"),
            headers=tuple(request.headers.items()),
            peer=request.remote or "",
        )
        refusal = await self._gate.refuses(knock)
        if refusal is not None:
            self._refused[refusal] += 1
            log.warning("a request was refused", extra={"why": refusal})
            raise _REFUSALS[refusal]
        return _form(await self._body(request))

    async def _body(self, request: web.Request) -> bytes:
        if request.method == "GET":
            return request.raw_path.partition("?")[2].encode("utf-8", "surrogatepass")
        try:
            async with asyncio.timeout(self._limits.body_s):
                return await request.read()
        except TimeoutError:
            raise WebhookError("a form did not come to its end in time") from None
        except (ConnectionError, web.RequestPayloadError):
            raise WebhookError("a form broke off") from None

    def _document(self, call_id: str) -> bytes:
        token = self._capabilities.token(call_id, expires_s=int(time.time()) + TOKEN_S)
        return stream_document(
            socket_url=self._socket_url + token,
            media_format=self._media_format,
            status_url=f"{self.server_url}/vobiz/status",
            max_retries=MAX_RETRIES,
            after_url=f"{self.server_url}/vobiz/after",
        )

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._calls.settle()


class _NotOurFault(logging.Filter):
    """Leaves out requests that are no HTTP: each would be a traceback that quotes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _http_log() -> logging.Logger:
    logger = logging.getLogger("dialroom.stream.http")
    if not logger.filters:
        logger.addFilter(_NotOurFault())
    return logger


def _full(settings: StreamSettings) -> bytes:
    if settings.full_number is not None and settings.full_caller_id is not None:
        return fallback_document(number=settings.full_number, caller_id=settings.full_caller_id)
    return full_document(sentence=settings.full_sentence)


def _form(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_LIMIT))
    except ValueError:
        raise WebhookError("a form cannot be read, or has too many fields") from None


def _document(document: bytes) -> web.Response:
    return web.Response(body=document, content_type=CONTENT_TYPE, charset="utf-8")
