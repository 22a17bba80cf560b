"""What every request passes before and after its family: key, casing, pace, misbehaviour, the shape of refusals."""

import asyncio
import math
from typing import Final

from aiohttp import web

from lab.vobiz.account import Account, AccountError
from lab.vobiz.errors import error_body
from lab.vobiz.faults import Faults, Handler, cut, too_many
from lab.vobiz.kill import KillAt, KillPoint
from lab.vobiz.log import READS, Entry, RequestLog
from lab.vobiz.rate import Bucket
from lab.vobiz.rest.base import BASE

LAB = "/lab/"
IN_LOWER_CASE: Final = ("cancel-release", "health", "assign-subaccount")
"""The resources that stand below ``/account/``."""


class Gate:
    """The middleware. Requests of the lab pass it by."""

    def __init__(self, account: Account) -> None:
        self.faults = Faults()
        self.log = RequestLog()
        self.kill = KillPoint()
        self._account = account
        self._bucket = Bucket(account.habits)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer one request."""
        if request.path.startswith(LAB):
            return await handler(request)
        entry = self.log.begin(request.method, request.path, request.query_string)
        try:
            answer = await self._answer(request, handler, entry)
        except ConnectionResetError:
            self.log.end(entry, 0)
            raise
        self.log.end(entry, answer.status)
        return answer

    async def _answer(self, request: web.Request, handler: Handler, entry: Entry) -> web.StreamResponse:
        at = self.kill.reaches(entry)
        if at and at.place == "before":
            raise self._killed(at, request, entry)
        await asyncio.sleep(self._account.habits.latency_ms / 1000)
        refusal = self._refused(request) or self._too_many()
        if refusal is not None:
            answer: web.StreamResponse = refusal
        else:
            answer = await self._passed(request, handler, entry)
        if at:
            await asyncio.sleep(at.hold_s if at.place == "hold" else 0)
            raise self._killed(at, request, entry)
        return answer

    async def _passed(self, request: web.Request, handler: Handler, entry: Entry) -> web.StreamResponse:
        async def carried_out(request: web.Request) -> web.StreamResponse:
            answer = await handler(request)
            entry.committed = request.method not in READS and answer.status < 300
            return answer

        shape = self._account.habits.error_shape
        try:
            return await self.faults.answer(request, carried_out)
        except AccountError as error:
            return web.json_response(error.body(shape), status=error.status)
        except web.HTTPException as error:
            body = error_body(shape or "gateway", error.status, error.reason, error.reason)
            return web.json_response(body, status=error.status)

    def _killed(self, at: KillAt, request: web.Request, entry: Entry) -> ConnectionResetError:
        self.kill.kill(at, entry)
        return cut(request)

    def _refused(self, request: web.Request) -> web.Response | None:
        """Check the key and the casing: a wrong key is a 401; wrong casing is a 401 for Call, a 404 for the rest."""
        account, headers = self._account, request.headers
        known = headers.get("X-Auth-ID") == account.auth_id and headers.get("X-Auth-Token") == account.auth_token
        parts = request.path.removeprefix(BASE).split("/")
        family, owner, resource = (*parts[1:4], "", "", "")[:3]
        if family.lower() in ("account", "accounts"):
            known = known and owner == account.auth_id
        shape = account.habits.error_shape or "plain"
        if not known:
            return web.json_response(error_body(shape, 401, "unauthorized", "invalid credentials"), status=401)
        if not self._is_well_cased(family, parts[-1]):
            status = 401 if resource.lower() == "call" else 404
            words = "unauthorized" if status == 401 else "not found"
            return web.json_response(error_body(shape, status, words.replace(" ", "_"), words), status=status)
        return None

    def _is_well_cased(self, family: str, last: str) -> bool:
        if family.lower() != "account":
            return True
        if family == "account":
            return last in IN_LOWER_CASE or self._account.habits.lower_case_paths
        return family == "Account"

    def _too_many(self) -> web.Response | None:
        wait_s = self._bucket.take()
        if not wait_s:
            return None
        habits, seconds = self._account.habits, math.ceil(wait_s)
        headers = {"Retry-After": str(seconds)} if habits.retry_after in ("both", "header") else {}
        named = seconds if habits.retry_after in ("both", "body") else None
        return web.json_response(too_many("api", habits.rate_per_s, named), status=429, headers=headers)
