"""/Account/{id}/Application/ (with its slash; without it there is nothing)."""

import uuid

from aiohttp import web

from lab.vobiz import applications
from lab.vobiz.account import Account
from lab.vobiz.paging import page
from lab.vobiz.rest.base import ACCOUNT, Answer, Handle, body_of


async def list_applications(account: Account, request: web.Request) -> Answer:
    """GET: limit and offset, with an api_id."""
    rows = account.late.listed(applications.FAMILY, account.applications)
    return Answer(200, page("applications", rows, request.query, account.habits, show=applications.shown))


async def create(account: Account, request: web.Request) -> Answer:
    """POST: 201, the id and no object."""
    return Answer(201, applications.create(account, await body_of(request)))


async def get(account: Account, request: web.Request) -> Answer:
    """GET: the object with an api_id."""
    row = applications.get(account, request.match_info["app_id"])
    return Answer(200, {"api_id": str(uuid.uuid4())} | applications.shown(row))


async def update(account: Account, request: web.Request) -> Answer:
    """POST: 202; there is no PUT."""
    return Answer(202, applications.update(account, request.match_info["app_id"], await body_of(request)))


async def delete(account: Account, request: web.Request) -> Answer:
    """DELETE: 409 while numbers are attached."""
    applications.delete(account, request.match_info["app_id"])
    return Answer(204)


_ONE = f"{ACCOUNT}/Application/{{app_id}}/"
PATHS: list[tuple[str, str, Handle]] = [
    ("GET", f"{ACCOUNT}/Application/", list_applications),
    ("POST", f"{ACCOUNT}/Application/", create),
    ("GET", _ONE, get),
    ("POST", _ONE, update),
    ("DELETE", _ONE, delete),
]
