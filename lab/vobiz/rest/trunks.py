"""/Account/{id}/trunks (D:trunks)."""

from aiohttp import web

from lab.vobiz import trunks
from lab.vobiz.account import Account
from lab.vobiz.paging import page
from lab.vobiz.rest.base import ACCOUNT, Answer, Handle, body_of


async def list_trunks(account: Account, request: web.Request) -> Answer:
    """GET: limit and offset."""
    rows = account.late.listed(trunks.FAMILY, account.trunks)
    body = page("trunks", rows, request.query, account.habits, show=lambda row: trunks.shown(row, account.habits))
    return Answer(200, body)


async def create(account: Account, request: web.Request) -> Answer:
    """POST: 201 in prose, 200 in the OpenAPI document."""
    return Answer(account.habits.create_status, trunks.create(account, await body_of(request)))


async def get(account: Account, request: web.Request) -> Answer:
    """GET: the bare object."""
    return Answer(200, trunks.shown(trunks.get(account, request.match_info["trunk_id"]), account.habits))


async def put(account: Account, request: web.Request) -> Answer:
    """PUT."""
    return Answer(200, trunks.update(account, request.match_info["trunk_id"], await body_of(request)))


async def patch(account: Account, request: web.Request) -> Answer:
    """PATCH: D:integrations/livekit shows it, no other page does."""
    if not account.habits.patch:
        raise web.HTTPMethodNotAllowed("PATCH", ["GET", "PUT", "DELETE"])
    return Answer(200, trunks.update(account, request.match_info["trunk_id"], await body_of(request), merges=True))


async def delete(account: Account, request: web.Request) -> Answer:
    """DELETE: 409 while calls are live."""
    trunks.delete(account, request.match_info["trunk_id"])
    return Answer(204)


_ONE = f"{ACCOUNT}/trunks/{{trunk_id}}"
PATHS: list[tuple[str, str, Handle]] = [
    ("GET", f"{ACCOUNT}/trunks", list_trunks),
    ("POST", f"{ACCOUNT}/trunks", create),
    ("GET", _ONE, get),
    ("PUT", _ONE, put),
    ("PATCH", _ONE, patch),
    ("DELETE", _ONE, delete),
]
