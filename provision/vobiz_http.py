"""Requests to Vobiz's REST API: the account's path, the pace, lists in three styles, errors of four shapes.

The API has no idempotency keys, so a write whose answer is lost is never sent again: the caller reads first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import SecretStr

from provision.busy import Busy
from provision.errors import (
    AccessDeniedError,
    BusyError,
    FailedError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
    connection_reason,
)
from provision.pace import Pace
from provision.secret import quoted
from provision.settings import base_url_hint
from provision.vobiz_json import Page, read_error, read_page, read_retry_after_s
from telephony.errors import UserError, WorldError

SERVER: Final = "Vobiz"
PARALLEL: Final = 16
_TIMEOUT_S: Final = 15.0
_TRIES: Final = 3
_BUSY_LIMIT_S: Final = 120.0
_PER_PAGE: Final = 100
_MOST_ROWS: Final = 1_000_000


class VobizHttp:
    """One account's API, with connections of its own. Raises UserError for a proxy that cannot be one.

    `passwords` are what bodies may hold and no message may tell, beside the token.
    `retry_wait_s` is the first pause before a read that failed, or anything refused with 429, is tried again;
    `parallel` is how many requests may be on their way at once, and `busy_limit_s` how long 429 is borne; `tell` gets a
    line for the user when it has to be.
    """

    def __init__(
        self,
        base_url: str,
        auth_id: str,
        auth_token: SecretStr,
        *,
        passwords: Iterable[SecretStr] = (),
        retry_wait_s: float = 0.5,
        parallel: int = PARALLEL,
        busy_limit_s: float = _BUSY_LIMIT_S,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._base_url = base_url
        self._account = f"/Account/{quote(auth_id, safe='')}"
        self._secrets = (auth_token, *passwords)
        self._retry_wait_s = retry_wait_s
        self._busy_limit_s = busy_limit_s
        self._pace = Pace(parallel=parallel, first_wait_s=retry_wait_s)
        self._busy = Busy()
        self._tell = tell
        host = urlsplit(base_url).hostname or ""
        try:
            self._http = httpx2.AsyncClient(
                base_url=base_url,
                headers={"X-Auth-ID": auth_id, "X-Auth-Token": auth_token.get_secret_value()},
                timeout=_TIMEOUT_S,
                limits=httpx2.Limits(max_connections=parallel, max_keepalive_connections=parallel),
                trust_env=host not in ("127.0.0.1", "localhost", "::1"),
            )
        except (ValueError, ImportError, httpx2.InvalidURL):
            raise UserError("HTTP_PROXY, HTTPS_PROXY or ALL_PROXY: must be an address like http://HOST:PORT") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def path(self, *parts: str) -> str:
        """Return a path below the account; a plus sign becomes %2B, since as it is, Vobiz answers 404."""
        return "/".join((self._account, *(quote(part, safe="") for part in parts)))

    def unreachable(self, reason: str) -> UnreachableError:
        """Return the error of an answer that never came."""
        return UnreachableError(SERVER, self._base_url, reason, hint="check VOBIZ_BASE_URL and the network")

    def strange(self, reason: str = "something answers, but it is not Vobiz") -> UnreachableError:
        """Return the error of an answer that cannot be Vobiz's."""
        return UnreachableError(SERVER, self._base_url, reason, hint=base_url_hint(self._base_url))

    async def account(self) -> Mapping[str, Any]:
        """Return the account; a wrong key and a wrong address show here. Raises what `send` does."""
        try:
            account = await self.send("GET", "/auth/me", what="the account")
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            account = None
        if not isinstance(account, dict):
            raise self.strange()
        return account

    async def rows_by_offset(self, *family: str, slash: bool = False) -> list[Any]:
        """Read a family that is paged by limit and offset (trunks, credentials, applications).

        `slash` is for families whose paths end with one. Raises what `send` does.
        """
        rows: list[Any] = []
        while True:
            page = await self.page(family, {"limit": _PER_PAGE, "offset": len(rows)}, slash=slash)
            rows += page.rows
            if page.is_last(seen=len(rows), asked=_PER_PAGE):
                return rows
            self._limit(len(rows), family)

    async def rows_by_page(self, *family: str, **filters: str) -> list[Any]:
        """Read a family that is paged by page number (numbers, inventory, call records). Raises what `send` does.

        When the first page tells how many rows there are, the others are asked for at once.
        """

        def numbered(page: int) -> dict[str, str | int]:
            return {"page": page, "per_page": _PER_PAGE, **filters}

        first = await self.page(family, numbered(1))
        rows = list(first.rows)
        if first.is_last(seen=len(rows), asked=_PER_PAGE):
            return rows
        self._limit(first.total or 0, family)
        known = -(-first.total // len(rows)) if first.total is not None else 1
        pages = await _all([self.page(family, numbered(number)) for number in range(2, known + 1)])
        rows += [row for page in pages for row in page.rows]
        last, number = (pages or [first])[-1], known
        while not last.is_last(seen=len(rows), asked=_PER_PAGE):
            number += 1
            last = await self.page(family, numbered(number))
            rows += last.rows
            self._limit(len(rows), family)
        return rows

    def _limit(self, count: int, family: tuple[str, ...]) -> None:
        if count > _MOST_ROWS:
            raise self.strange(f"the list of {family[-1]} has no end")

    async def put(self, path: str, body: Mapping[str, Any], *, what: str) -> None:
        """Update by PUT; one page of Vobiz's documents says PATCH, which is tried only when PUT is not allowed."""
        try:
            await self.send("PUT", path, body=body, what=what)
        except RefusedError as error:
            if error.status != HTTPStatus.METHOD_NOT_ALLOWED:
                raise
            await self.send("PATCH", path, body=body, what=what)

    async def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send one request and return its JSON body, None when it has none.

        Tried again: what was refused with 429, for as long as `busy_limit_s`, and reads that failed. A write is never
        sent twice after it may have arrived.

        Raises:
            OutcomeUnknownError: a write may have happened. AccessDeniedError, UnreachableError, RefusedError.
        """
        started_s, failures = time.monotonic(), 0
        while True:
            async with self._pace.place():
                try:
                    answer = await self._http.request(method, path, params=params, json=body)
                except httpx2.HTTPError as error:
                    failures += 1
                    if method != "GET" or failures == _TRIES or isinstance(error, httpx2.ConnectError):
                        raise self._no_answer(error, method, what) from None
                    wait_s = self._retry_wait_s * 2 ** (failures - 1)
                else:
                    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                        # Refused before anything was done: a write may be repeated too.
                        if time.monotonic() - started_s >= self._busy_limit_s:
                            raise self._refusal(answer, method, what)
                        self._pace.refused(asked_s=_retry_after_s(answer))
                        self._tell_busy()
                        continue
                    self._pace.taken()
                    self._busy.taken(time.monotonic())
                    if answer.is_success:
                        return _json(answer)
                    failures += 1
                    if failures == _TRIES or not _may_repeat(method, answer.status_code):
                        raise self._refusal(answer, method, what)
                    wait_s = max(self._retry_wait_s * 2 ** (failures - 1), _retry_after_s(answer))
            await asyncio.sleep(wait_s)

    async def page(
        self, family: Sequence[str], params: Mapping[str, str | int], *, slash: bool = False, name: str = ""
    ) -> Page:
        """Read one page of a family, which messages call by `name`. Raises what `send` does."""
        name = name or family[-1]
        try:
            body = await self.send("GET", self.path(*family) + "/" * slash, params=params, what=f"the list of {name}")
            return read_page(body)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise self.strange(f"it has no list of {name} (HTTP 404)") from None
        except ValueError as error:
            raise self.strange(f"{error} of {name}") from None

    def _tell_busy(self) -> None:
        if self._busy.is_to_tell(time.monotonic()) and self._tell is not None:
            self._tell(f"{SERVER} limits the rate of requests (HTTP 429): waiting until it takes more")

    def _no_answer(self, error: httpx2.HTTPError, method: str, what: str) -> WorldError:
        not_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout))
        reason = self._safe(connection_reason(error))
        if method == "GET" or not_sent:
            return self.unreachable(reason)
        return OutcomeUnknownError(SERVER, what, reason)

    def _refusal(self, answer: httpx2.Response, method: str, what: str) -> WorldError:
        status = answer.status_code
        code, detail = read_error(_json(answer))
        if status == HTTPStatus.UNAUTHORIZED:
            names = ("VOBIZ_AUTH_ID", "VOBIZ_AUTH_TOKEN")
            return AccessDeniedError(SERVER, names=names, detail=self._safe(detail or code))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and method != "GET":
            return OutcomeUnknownError(SERVER, what, f"HTTP {status} {self._safe(detail)}".strip())
        refused = RefusedError
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            refused = BusyError
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            refused = FailedError
        return refused(SERVER, what, status=status, code=self._safe(code), detail=self._safe(detail))

    def _safe(self, text: str) -> str:
        """Take our secrets out of a text that comes from outside."""
        return quoted(text, self._secrets)


async def _all(pages: Sequence[Coroutine[Any, Any, Page]]) -> list[Page]:
    """Ask for pages at once; the first error ends all."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(page) for page in pages]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def _may_repeat(method: str, status: int) -> bool:
    return method == "GET" and status in (
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )


def _retry_after_s(answer: httpx2.Response) -> float:
    header = answer.headers.get("Retry-After", "")
    return float(header) if header.isascii() and header.isdigit() else read_retry_after_s(_json(answer))


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None
