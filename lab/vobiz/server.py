"""The account over HTTP: paths, credentials, paging and error bodies as the real API has them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from lab.vobiz.account import Account, AccountError, plain_error
from lab.vobiz.faults import Fault, Faults, Handler

BASE = "/api/v1"
MAX_ROWS = 100
_READS = ("GET", "HEAD")


@dataclass(kw_only=True, eq=False)
class FakeVobiz:
    """One account behind one port. `requests` has (method, path) of every API request, in order."""

    account: Account
    faults: Faults = field(default_factory=Faults)
    create_status: int = 201
    requests: list[tuple[str, str]] = field(default_factory=list)
    base_url: str = ""

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that were not reads."""
        return [request for request in self.requests if request[0] not in _READS]

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[self._as_the_gateway_does])
        account = f"{BASE}/Account/{{auth_id}}"
        numbers = f"{account}/numbers"
        app.add_routes(
            [
                web.get("/lab/log", self._get_log),
                web.put("/lab/faults", self._put_faults),
                web.get(f"{BASE}/auth/me", self._get_me),
                web.get(f"{account}/trunks", self._list_trunks),
                web.post(f"{account}/trunks", self._create_trunk),
                web.get(f"{account}/trunks/{{trunk_id}}", self._get_trunk),
                web.put(f"{account}/trunks/{{trunk_id}}", self._put_trunk),
                web.delete(f"{account}/trunks/{{trunk_id}}", self._delete_trunk),
                web.get(numbers, self._list_numbers),
                web.post(f"{numbers}/{{number}}/assign", self._assign),
                web.delete(f"{numbers}/{{number}}/assign", self._unassign),
            ]
        )
        return app

    @web.middleware
    async def _as_the_gateway_does(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the credentials, keep the log, and turn every refusal into its body."""
        if request.path.startswith("/lab/"):
            return await handler(request)
        self.requests.append((request.method, request.path))
        if not self._is_allowed(request):
            return web.json_response({"error": "unauthorized", "message": "invalid credentials"}, status=401)
        try:
            return await self.faults.answer(request, handler)
        except AccountError as error:
            return web.json_response(error.body, status=error.status)
        except web.HTTPException as error:
            return web.json_response({"message": error.reason}, status=error.status)

    def _is_allowed(self, request: web.Request) -> bool:
        """Wrong keys, another account's path, and wrong casing of ``/Account/`` are all a 401."""
        headers = request.headers
        keys = headers.get("X-Auth-ID") == self.account.auth_id and (
            headers.get("X-Auth-Token") == self.account.auth_token
        )
        parts = request.path.removeprefix(BASE).split("/")
        family = parts[1] if len(parts) > 1 else ""
        if family.lower() == "account":
            return keys and family == "Account" and len(parts) > 2 and parts[2] == self.account.auth_id
        return keys

    async def _get_log(self, _request: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests, "writes": len(self.writes)})

    async def _put_faults(self, request: web.Request) -> web.Response:
        self.faults.waiting = [Fault(**fields) for fields in await request.json()]
        return web.json_response({"waiting": len(self.faults.waiting)})

    async def _get_me(self, _request: web.Request) -> web.Response:
        return web.json_response(self.account.me())

    async def _list_trunks(self, request: web.Request) -> web.Response:
        rows = [self.account.trunk(trunk_id) for trunk_id in self.account.trunks]
        limit, offset = _integer(request, "limit", 20), _integer(request, "offset", 0)
        page = rows[offset : offset + min(limit, MAX_ROWS)]
        meta = {"limit": limit, "offset": offset, "total": len(rows)}
        return web.json_response({"meta": meta, "objects": page or None})

    async def _create_trunk(self, request: web.Request) -> web.Response:
        return web.json_response(self.account.create_trunk(await _body(request)), status=self.create_status)

    async def _get_trunk(self, request: web.Request) -> web.Response:
        return web.json_response(self.account.trunk(request.match_info["trunk_id"]))

    async def _put_trunk(self, request: web.Request) -> web.Response:
        return web.json_response(self.account.update_trunk(request.match_info["trunk_id"], await _body(request)))

    async def _delete_trunk(self, request: web.Request) -> web.Response:
        self.account.delete_trunk(request.match_info["trunk_id"])
        return web.Response(status=204)

    async def _list_numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("search", "")
        rows = [row for e164, row in self.account.numbers.items() if wanted in e164]
        number, size = _integer(request, "page", 1), min(_integer(request, "per_page", 25), MAX_ROWS)
        page = rows[(number - 1) * size : number * size]
        return web.json_response({"items": page, "page": number, "per_page": size, "total": len(rows)})

    async def _assign(self, request: web.Request) -> web.Response:
        self.account.assign(_number(request), await _body(request))
        return web.Response(status=204)

    async def _unassign(self, request: web.Request) -> web.Response:
        self.account.unassign(_number(request))
        return web.Response(status=204)


@asynccontextmanager
async def running(fake: FakeVobiz, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[FakeVobiz]:
    """Serve a fake until the block ends; port 0 takes a free one. `base_url` is set inside. Raises OSError."""
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, shutdown_timeout=1)
        await site.start()
        fake.base_url = f"http://{host}:{runner.addresses[0][1]}{BASE}"
        yield fake
    finally:
        await runner.cleanup()


def _integer(request: web.Request, name: str, default: int) -> int:
    try:
        value = int(request.query.get(name, default))
    except ValueError:
        raise plain_error(400, "invalid request", f"{name} must be a number") from None
    if value < 0 or (name == "page" and value == 0):
        raise plain_error(400, "invalid request", f"{name} is out of range")
    return value


def _number(request: web.Request) -> str:
    """Return the number of a path. A plus sign that is not written as %2B means a space, so nothing is found."""
    raw = request.raw_path.partition("?")[0].split("/")[-2]
    return unquote(raw.replace("+", " "))


async def _body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise plain_error(400, "invalid request", "the body must be a JSON object")
    return body
