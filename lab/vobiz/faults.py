"""Misbehaviour on order: what the next requests of a kind meet instead of an answer, or after it was earned."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class Fault:
    """One kind of misbehaviour, for the next `times` requests that match.

    `status` answers with that status; None drops the connection. With `after_commit` the request is carried out first
    and only its answer is lost. `path` matches by its end.
    """

    method: str
    path: str = ""
    status: int | None = 503
    after_commit: bool = False
    times: int = 1
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, request: web.Request) -> bool:
        """Whether the fault is for this request."""
        return self.times > 0 and request.method == self.method and request.path.endswith(self.path)


@dataclass(kw_only=True)
class Faults:
    """The faults that are waiting for their request."""

    waiting: list[Fault] = field(default_factory=list)

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, by the first fault that matches or as usual."""
        fault = next((fault for fault in self.waiting if fault.matches(request)), None)
        if fault is None:
            return await handler(request)
        fault.times -= 1
        if fault.after_commit:
            await handler(request)
        await asyncio.sleep(fault.delay_s)
        if fault.status is None:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError
        return web.json_response(_body(fault.status), status=fault.status, headers=fault.headers)


def _body(status: int) -> dict[str, object]:
    if status == web.HTTPTooManyRequests.status_code:
        details = {"limitType": "cps", "limit": 1, "current": 2, "retryAfter": 0}
        error = {"code": "RATE_LIMIT_EXCEEDED", "message": "too many requests", "details": details}
        return {"status": "error", "error": error}
    return {"message": "Service Unavailable"}
