"""/Account/{id}/Call and /cdr: what is live, what is queued, what is over (D:call pages, the CDR pages)."""

import uuid

from aiohttp import web

from lab.vobiz.account import Account
from lab.vobiz.errors import detail_error
from lab.vobiz.live import LiveCall, cdr_row
from lab.vobiz.paging import integer, page
from lab.vobiz.rest.base import ACCOUNT, Answer, Handle


async def list_live(account: Account, request: web.Request) -> Answer:
    """GET Call?status=live, without a slash. Anything else of Call without a slash is a 401."""
    if request.query.get("status") != "live":
        raise web.HTTPUnauthorized
    return Answer(200, {"api_id": str(uuid.uuid4()), "calls": list(account.live)})


async def list_queued(_account: Account, request: web.Request) -> Answer:
    """GET Call/?status=queued, with a slash. Nothing is queued here: incoming calls never are."""
    if request.query.get("status") != "queued":
        raise web.HTTPUnauthorized
    return Answer(200, {"api_id": str(uuid.uuid4()), "calls": []})


async def get_live(account: Account, request: web.Request) -> Answer:
    """GET Call/{uuid}?status=live."""
    return Answer(200, {"api_id": str(uuid.uuid4())} | _found(account, request).shown())


async def hang_up(account: Account, request: web.Request) -> Answer:
    """DELETE Call/{uuid}/ with or without the slash: 204; 404 is already over."""
    call = _found(account, request)
    account.live.pop(call.call_uuid, None)
    if call.hang_up:
        await call.hang_up()
    return Answer(204)


async def list_cdr(account: Account, request: web.Request) -> Answer:
    """GET cdr: page and per_page, the newest first."""
    rows = list(reversed(account.finished))
    body = page(
        "cdr",
        rows,
        request.query,
        account.habits,
        show=lambda row: cdr_row(row, account.auth_id),
        account_id=account.auth_id,
    )
    return Answer(200, body)


async def recent_cdr(account: Account, request: web.Request) -> Answer:
    """GET cdr/recent: limit only."""
    limit = integer(request.query, "limit", 20, least=1)
    data = [cdr_row(row, account.auth_id) for row in list(reversed(account.finished))[:limit]]
    return Answer(200, {"account_id": account.auth_id, "count": len(data), "data": data, "success": True})


async def get_cdr(account: Account, request: web.Request) -> Answer:
    """GET cdr/{uuid}."""
    for row in account.finished:
        if row["call_uuid"] == request.match_info["call_uuid"]:
            return Answer(200, {"data": cdr_row(row, account.auth_id), "success": True})
    raise detail_error(404, "cdr not found")


def _found(account: Account, request: web.Request) -> LiveCall:
    call = account.live.get(request.match_info["call_uuid"])
    if call is None:
        raise detail_error(404, "call not found")
    return call


PATHS: list[tuple[str, str, Handle]] = [
    ("GET", f"{ACCOUNT}/Call", list_live),
    ("GET", f"{ACCOUNT}/Call/", list_queued),
    ("GET", f"{ACCOUNT}/Call/{{call_uuid}}", get_live),
    ("DELETE", f"{ACCOUNT}/Call/{{call_uuid}}/", hang_up),
    ("DELETE", f"{ACCOUNT}/Call/{{call_uuid}}", hang_up),
    ("GET", f"{ACCOUNT}/cdr", list_cdr),
    ("GET", f"{ACCOUNT}/cdr/recent", recent_cdr),
    ("GET", f"{ACCOUNT}/cdr/{{call_uuid}}", get_cdr),
]
