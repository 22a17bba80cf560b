"""The carrier: Vobiz's REST API (https://www.vobiz.ai/docs, as of October 2026). The only file that speaks it.

The API has no idempotency keys, so a write whose answer is lost is never sent again: the caller reads first.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import BaseModel, SecretStr, ValidationError

from provision.apply import Ids
from provision.errors import AccessDeniedError, OutcomeUnknownError, RefusedError, UnreachableError, connection_reason
from provision.observed import Observed, OwnedNumber, Seen
from provision.stamp import carrier_stamp
from provision.values import Assignment, CarrierTrunk, Kind, Value
from provision.vobiz_json import NumberRow, Page, TrunkRow, read_error, read_page, read_retry_after_s, trunk_body
from telephony.errors import WorldError

SERVER: Final = "Vobiz"
_TIMEOUT_S: Final = 15.0
_TRIES: Final = 3
_MAX_WAIT_S: Final = 10.0
_PER_PAGE: Final = 100
_Row = TypeVar("_Row", bound=BaseModel)


class Vobiz:
    """The carrier as a `provision.apply.Server`; an async context manager that owns its connections.

    `retry_wait_s` is the first pause before a read, or anything refused with 429, is tried again.
    """

    def __init__(self, base_url: str, auth_id: str, auth_token: SecretStr, *, retry_wait_s: float = 0.5) -> None:
        self._base_url = base_url
        self._account = f"/Account/{quote(auth_id, safe='')}"
        self._token = auth_token
        self._retry_wait_s = retry_wait_s
        host = urlsplit(base_url).hostname or ""
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            headers={"X-Auth-ID": auth_id, "X-Auth-Token": auth_token.get_secret_value()},
            timeout=_TIMEOUT_S,
            trust_env=host not in ("127.0.0.1", "localhost", "::1"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def observe(self) -> Observed:
        """Return inbound trunks, assignments and the account's numbers.

        Raises:
            AccessDeniedError, UnreachableError, RefusedError.
        """
        await self._check_account()
        trunks = [self._row(TrunkRow, row) for row in await self._by_offset("trunks")]
        numbers = [self._row(NumberRow, row) for row in await self._by_page("numbers")]
        names = {trunk.trunk_id: trunk.name or trunk.trunk_id for trunk in trunks}
        inbound = (trunk for trunk in trunks if trunk.trunk_direction != "outbound")
        return Observed(
            objects=(
                *(Seen(value=t.value(), server_id=t.trunk_id, stamp=carrier_stamp(t.name)) for t in inbound),
                *(_assignment(number, names) for number in numbers if number.trunk_group_id),
            ),
            owned_numbers=tuple(OwnedNumber(number=n.number, blockers=n.blockers()) for n in numbers),
        )

    async def create(self, value: Value, ids: Ids) -> str:
        """Create a trunk, or assign a number to one.

        Raises:
            OutcomeUnknownError: look before trying again. AccessDeniedError, UnreachableError, RefusedError.
        """
        match value:
            case CarrierTrunk():
                what = f"creating trunk {value.name}"
                row = await self._send("POST", self._path("trunks"), body=trunk_body(value, {}), what=what)
                if not isinstance(row, dict) or not isinstance(row.get("trunk_id"), str):
                    raise OutcomeUnknownError(SERVER, what, "an answer without trunk_id")
                return str(row["trunk_id"])
            case Assignment(name=number, trunk=trunk):
                body = {"trunk_group_id": ids[value.needs[0]]}
                await self._send(
                    "POST", self._assign_path(number), body=body, what=f"assigning {number} to trunk {trunk}"
                )
                return number
            case _:
                raise AssertionError(value)

    async def update(self, server_id: str, value: Value, ids: Ids) -> None:
        """Change what a trunk declares and keep the rest; move a number to another trunk. Raises what `create` does."""
        match value:
            case CarrierTrunk():
                path = self._path("trunks", server_id)
                existing = await self._send("GET", path, what=f"trunk {value.name}")
                self._row(TrunkRow, existing)
                body = trunk_body(value, existing)
                await self._put(path, body, what=f"updating trunk {value.name}")
            case Assignment():
                await self.delete(server_id, value)
                await self.create(value, ids)
            case _:
                raise AssertionError(value)

    async def delete(self, server_id: str, value: Value) -> None:
        """Delete a trunk, or take a number off its trunk. Raises what `create` does."""
        is_number = isinstance(value, Assignment)
        path = self._assign_path(server_id) if is_number else self._path("trunks", server_id)
        what = f"unassigning {server_id}" if is_number else f"deleting trunk {value.name}"
        try:
            await self._send("DELETE", path, what=what)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return a trunk or an assignment as it is now, None when it is not there. Raises what `observe` does."""
        if kind is Kind.CARRIER_TRUNK:
            try:
                row = await self._send("GET", self._path("trunks", server_id), what=f"trunk {server_id}")
            except RefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                raise
            return self._row(TrunkRow, row).value()
        rows = await self._by_page("numbers", search=server_id.removeprefix("+"))
        numbers = (self._row(NumberRow, row) for row in rows)
        trunk = next((n.trunk_group_id for n in numbers if n.number == server_id), None)
        return Assignment(name=server_id, trunk=ids.name(Kind.CARRIER_TRUNK, trunk)) if trunk else None

    async def _check_account(self) -> None:
        """Tell a wrong key and a wrong address before anything else is asked."""
        try:
            account = await self._send("GET", "/auth/me", what="the account")
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            account = None
        if not isinstance(account, dict):
            raise self._unreachable("something answers, but it is not Vobiz")

    def _row(self, model: type[_Row], row: Any) -> _Row:
        try:
            return model.model_validate(row)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in detail["loc"]) for detail in error.errors())
            raise self._unreachable(f"an answer with another form than documented ({fields or 'no object'})") from None

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(SERVER, self._base_url, reason, hint="check VOBIZ_BASE_URL and the network")

    def _path(self, *parts: str) -> str:
        return "/".join((self._account, *(quote(part, safe="") for part in parts)))

    def _assign_path(self, number: str) -> str:
        """The plus sign of a number must be sent as %2B; as it is, Vobiz answers 404."""
        return self._path("numbers", number, "assign")

    async def _by_offset(self, family: str) -> list[Any]:
        """Read a family that is paged by limit and offset (trunks, credentials, applications)."""
        rows: list[Any] = []
        while True:
            page = await self._page(family, limit=_PER_PAGE, offset=len(rows))
            rows += page.rows
            if page.is_last(seen=len(rows), asked=_PER_PAGE):
                return rows

    async def _by_page(self, family: str, **filters: str) -> list[Any]:
        """Read a family that is paged by page number (numbers, inventory, call records)."""
        rows: list[Any] = []
        for number in count(1):
            page = await self._page(family, page=number, per_page=_PER_PAGE, **filters)
            rows += page.rows
            if page.is_last(seen=len(rows), asked=_PER_PAGE):
                break
        return rows

    async def _page(self, family: str, **params: str | int) -> Page:
        body = await self._send("GET", self._path(family), params=params, what=f"the list of {family}")
        try:
            return read_page(body)
        except ValueError as error:
            raise self._unreachable(f"{error} of {family}") from None

    async def _put(self, path: str, body: Mapping[str, Any], *, what: str) -> None:
        """Update by PUT; one page of Vobiz's documents says PATCH, which is tried only when PUT is not allowed."""
        try:
            await self._send("PUT", path, body=body, what=what)
        except RefusedError as error:
            if error.status != HTTPStatus.METHOD_NOT_ALLOWED:
                raise
            await self._send("PATCH", path, body=body, what=what)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send one request and return its JSON body, None when it has none.

        Tried again: what was refused with 429, and reads that failed. A write is never sent twice after it may have
        arrived.
        """
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            wait_s = self._retry_wait_s * 2 ** (attempt - 1)
            try:
                answer = await self._http.request(method, path, params=params, json=body)
            except httpx2.HTTPError as error:
                if method != "GET" or last or isinstance(error, httpx2.ConnectError):
                    raise self._no_answer(error, method, what) from None
            else:
                if answer.is_success:
                    return _json(answer)
                if last or not _may_repeat(method, answer.status_code):
                    raise self._refusal(answer, method, what)
                wait_s = max(wait_s, _retry_after_s(answer))
            await asyncio.sleep(min(wait_s, _MAX_WAIT_S))
        raise AssertionError("the last try returns or raises")

    def _no_answer(self, error: httpx2.HTTPError, method: str, what: str) -> WorldError:
        not_sent = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout))
        reason = self._safe(connection_reason(error))
        if method == "GET" or not_sent:
            return self._unreachable(reason)
        return OutcomeUnknownError(SERVER, what, reason)

    def _refusal(self, answer: httpx2.Response, method: str, what: str) -> WorldError:
        status = answer.status_code
        code, detail = read_error(_json(answer))
        if status == HTTPStatus.UNAUTHORIZED:
            names = ("VOBIZ_AUTH_ID", "VOBIZ_AUTH_TOKEN")
            return AccessDeniedError(SERVER, names=names, detail=self._safe(detail or code))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and method != "GET":
            return OutcomeUnknownError(SERVER, what, f"HTTP {status} {self._safe(detail)}".strip())
        return RefusedError(SERVER, what, status=status, code=self._safe(code), detail=self._safe(detail))

    def _safe(self, text: str) -> str:
        """Take the token out of a text that comes from outside."""
        return text.replace(self._token.get_secret_value(), "***").replace("\n", " ")


def _assignment(number: NumberRow, names: Mapping[str, str]) -> Seen:
    trunk_id = number.trunk_group_id or ""
    name = names.get(trunk_id, trunk_id)
    return Seen(value=Assignment(name=number.number, trunk=name), server_id=number.number, stamp=carrier_stamp(name))


def _may_repeat(method: str, status: int) -> bool:
    """Say whether a refusal may pass; 429 is a refusal before anything is done, so a write may be repeated after it."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
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
    except ValueError:
        return None
