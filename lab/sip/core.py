"""What every call of an endpoint stands on: the transactions, who we are on the wire, tasks, challenges, the calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from sipmessage import Request, Response

from lab.sip.digest import Challenges, answer_challenge
from lab.sip.layer import TransactionLayer
from lab.sip.message import Address, new_branch, put_headers
from lab.sip.timers import Timers
from lab.sip.transaction import ServerTransaction

logger = logging.getLogger(__name__)
HeaderList = Sequence[tuple[str, str]]
MakeRequest = Callable[[HeaderList], Request]
"""Makes the next attempt of a request; the headers carry credentials, if any."""
BASE_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")


class InDialog(Protocol):
    """A call, as the core sees it."""

    remote_tag: str | None

    def receive(self, transaction: ServerTransaction) -> None:
        """Take a request inside the dialog."""

    def receive_ack(self, request: Request) -> None:
        """Take an ACK for a 2xx."""

    def close(self) -> None:
        """The endpoint is being closed."""


class Core:
    """Shared by the calls of one endpoint. `host` and `port` are what Via and Contact say."""

    def __init__(self, layer: TransactionLayer, *, user_agent: str) -> None:
        self.layer = layer
        self.user_agent = user_agent
        self.host = ""
        self.port = 0
        self.allow: tuple[str, ...] = BASE_METHODS
        self.challenges = Challenges()
        self.calls: dict[tuple[str, str], InDialog] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: set[asyncio.Future[Response]] = set()

    @property
    def timers(self) -> Timers:
        """The endpoint's timers."""
        return self.layer.timers

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that dies with the endpoint; an exception is logged."""
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End transactions, waits, tasks and calls."""
        self.layer.close()
        for call in list(self.calls.values()):
            call.close()
        for future in list(self._pending):
            _resolve(future, made_up_timeout())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def contact(self, user: str | None) -> str:
        """Return our Contact value."""
        return f"<sip:{user}@{self.host}:{self.port}>" if user else f"<sip:{self.host}:{self.port}>"

    def dress(self, request: Request, headers: HeaderList = (), *, user: str | None = None) -> Request:
        """Add the headers that make a request ready to send, then `headers`, which win."""
        via = f"SIP/2.0/UDP {self.host}:{self.port};rport;branch={new_branch()}"
        own = [("Via", via), ("User-Agent", self.user_agent)]
        if request.method not in ("BYE", "CANCEL"):
            own.append(("Contact", self.contact(user)))
        if request.method == "INVITE":
            own.append(("Allow", ", ".join(self.allow)))
        put_headers(request, own)
        put_headers(request, headers)
        request.headers.set("Content-Length", str(len(request.body)))
        return request

    def send(self, request: Request, destination: Address) -> bytes:
        """Send outside any transaction (ACK for a 2xx) and return the bytes, to send them again."""
        data = bytes(request)
        self.layer.send(data, destination)
        return data

    async def transact(
        self, request: Request, destination: Address, *, on_success: Callable[[Response, Address], None] | None = None
    ) -> Response:
        """Send and return the final response, a made-up 408 without one.

        `on_success` is called with a 2xx and with each repetition of it, even after this has returned.
        """
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response, source: Address) -> None:
            if 200 <= response.code < 300 and on_success:
                on_success(response, source)
            if response.code >= 200:
                _resolve(future, response)

        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        self.layer.request(
            request, destination, on_response=take, on_timeout=lambda: _resolve(future, made_up_timeout())
        )
        return await future

    async def exchange(
        self,
        make: MakeRequest,
        destination: Address,
        *,
        credentials: tuple[str, str] | None,
        on_success: Callable[[Response, Address], None] | None = None,
    ) -> Response:
        """Like `transact`, and answer one challenge when there are credentials."""
        request = make(())
        response = await self.transact(request, destination, on_success=on_success)
        retry = authorization(request, response, credentials)
        if retry is None:
            return response
        return await self.transact(make([retry]), destination, on_success=on_success)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            logger.exception("a SIP task failed")


def authorization(
    request: Request, response: Response, credentials: tuple[str, str] | None, *, nc: int = 1
) -> tuple[str, str] | None:
    """Return the header that answers a 401 or 407; None when there is no challenge, no user, or no scheme in common."""
    names = {
        401: ("WWW-Authenticate", "Authorization"),
        407: ("Proxy-Authenticate", "Proxy-Authorization"),
    }.get(response.code)
    if credentials is None or names is None:
        return None
    value = answer_challenge(
        response.headers.getlist(names[0]),
        method=request.method,
        uri=str(request.uri),
        credentials=credentials,
        nc=nc,
    )
    return None if value is None else (names[1], value)


def made_up_timeout() -> Response:
    """Return the 408 that stands for no answer at all (RFC 3261 section 8.1.3.1). It has no headers."""
    return Response(408, "Request Timeout")


def is_made_up(response: Response) -> bool:
    """Say whether a response never was on the wire."""
    return not response.headers.keys()


def _resolve(future: asyncio.Future[Response], response: Response) -> None:
    if not future.done():
        future.set_result(response)
