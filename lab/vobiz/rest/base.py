"""What the families' handlers share: reading a request, and an answer with the account's habits."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from lab.vobiz.account import Account
from lab.vobiz.errors import plain_error
from lab.vobiz.habits import Habits

BASE = "/api/v1"
ACCOUNT = f"{BASE}/Account/{{auth_id}}"
LOWER_ACCOUNT = f"{BASE}/account/{{auth_id}}"
ACCOUNTS = f"{BASE}/accounts/{{auth_id}}"
UNDOCUMENTED = {"x_undocumented": "answers grow fields"}
_LISTS = ("objects", "items", "data", "number", "pricing_tier")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body; no body at all with None."""

    status: int
    body: dict[str, Any] | None = None


Handle = Callable[[Account, web.Request], Coroutine[Any, Any, Answer]]


def bind(account: Account, handle: Handle) -> Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]:
    """Return a handler of aiohttp."""

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = await handle(account, request)
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(_grown(answer.body, account.habits), status=answer.status)

    return handler


async def body_of(request: web.Request) -> Mapping[str, Any]:
    """Return the JSON object of a request. Raises AccountError: 400."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise plain_error(400, "invalid request", "the body must be a JSON object")
    return body


def number_of(request: web.Request) -> str:
    """Return the number of a path. A plus sign that is not written as %2B means a space, so nothing is found."""
    parts = request.raw_path.partition("?")[0].split("/")
    return unquote(parts[parts.index("numbers") + 1].replace("+", " "))


def _grown(body: dict[str, Any], habits: Habits) -> dict[str, Any]:
    """Add a field that no document names to an answer and the objects in it."""
    if not habits.extra_fields:
        return body
    grown = body | UNDOCUMENTED
    for name in _LISTS:
        inner = grown.get(name)
        if isinstance(inner, list):
            grown[name] = [row | UNDOCUMENTED if isinstance(row, dict) else row for row in inner]
        elif isinstance(inner, dict):
            grown[name] = inner | UNDOCUMENTED
    return grown
