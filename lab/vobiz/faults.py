"""Misbehaviour on order: what the next requests of a kind meet instead of an answer, or after it was earned."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from http.client import responses
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from lab.vobiz.errors import ErrorShape, error_body

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(BaseModel):
    """One kind of misbehaviour, for the next `times` requests that match.

    `method` may be ``*``; `path` matches by its end. `status` answers with that status, its body in `shape`; None cuts
    the connection. With `after_commit` the request is carried out first and only its answer is lost. `passes` answers
    as usual. `delay_s` comes before any of these. `retry_after_s` stands in the body of a 429; None leaves it out.
    """

    model_config = ConfigDict(extra="forbid")

    method: str
    path: str = ""
    status: int | None = 503
    after_commit: bool = False
    passes: bool = False
    times: int = 1
    delay_s: float = 0.0
    headers: dict[str, str] = Field(default_factory=dict)
    shape: ErrorShape | Literal["html", "empty"] = "gateway"
    retry_after_s: float | None = 0

    def matches(self, request: web.Request) -> bool:
        """Whether the fault is for this request."""
        return self.times > 0 and self.method in ("*", request.method) and request.path.endswith(self.path)


class Faults:
    """The faults that are waiting for their request."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, by the first fault that matches or as usual."""
        fault = next((fault for fault in self.waiting if fault.matches(request)), None)
        if fault is None:
            return await handler(request)
        fault.times -= 1
        await asyncio.sleep(fault.delay_s)
        if fault.passes:
            return await handler(request)
        if fault.after_commit:
            await handler(request)
        if fault.status is None:
            raise cut(request)
        return _response(fault, fault.status)


def cut(request: web.Request) -> ConnectionResetError:
    """Cut the connection of a request; raise what is returned, so that nothing is answered."""
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError("cut on purpose")


def too_many(limit_type: str, limit: float, retry_after_s: float | None) -> dict[str, Any]:
    """Return the body of a 429 (D:errors): in `details`, what the limit is and when to come again."""
    details: dict[str, Any] = {"limitType": limit_type, "limit": limit, "current": limit + 1}
    if retry_after_s is not None:
        details["retryAfter"] = retry_after_s
    return error_body("general", 429, "RATE_LIMIT_EXCEEDED", "too many requests", details)


def _response(fault: Fault, status: int) -> web.Response:
    phrase = responses.get(status, "Unknown")
    if fault.shape == "html":
        text = f"<html><body><h1>{status} {phrase}</h1></body></html>"
        return web.Response(text=text, content_type="text/html", status=status, headers=fault.headers)
    if fault.shape == "empty":
        return web.Response(status=status, headers=fault.headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and fault.shape == "gateway":
        body = too_many("cps", 1, fault.retry_after_s)
    else:
        body = error_body(fault.shape, status, phrase, phrase)
    return web.json_response(body, status=status, headers=fault.headers)
