"""The carrier as our objects: Vobiz's REST API (https://www.vobiz.ai/docs, as of October 2026)."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from provision.errors import InUseError, OutcomeUnknownError, RefusedError
from provision.observed import Observed, OwnedNumber, Seen
from provision.servers import Ids
from provision.stamp import carrier_stamp, login_stamp
from provision.values import Application, Assignment, CarrierOutbound, CarrierTrunk, Credential, Kind, Value
from provision.vobiz_http import PARALLEL, SERVER, VobizHttp
from provision.vobiz_json import (
    ApplicationRow,
    CredentialRow,
    NumberRow,
    TrunkRow,
    application_body,
    outbound_body,
    trunk_body,
)

CALLS_END_LIMIT_S: Final = 30.0
_CALLS_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)
_Row = TypeVar("_Row", bound=BaseModel)


class Vobiz:
    """The carrier as a `provision.servers.Server`; an async context manager that owns its connections.

    `passwords` has those of the credentials that are to be written, by user name. `retry_wait_s`, `parallel`,
    `busy_limit_s` and `tell` are those of `provision.vobiz_http.VobizHttp`. What is deleted may have calls that began
    before they were sent elsewhere: they get `calls_end_limit_s` to end.
    """

    def __init__(
        self,
        base_url: str,
        auth_id: str,
        auth_token: SecretStr,
        *,
        passwords: Mapping[str, SecretStr] | None = None,
        retry_wait_s: float = 0.5,
        parallel: int = PARALLEL,
        busy_limit_s: float = 120.0,
        calls_end_limit_s: float = CALLS_END_LIMIT_S,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._passwords = passwords or {}
        self._calls_end_limit_s = calls_end_limit_s
        self.http = VobizHttp(
            base_url,
            auth_id,
            auth_token,
            passwords=self._passwords.values(),
            retry_wait_s=retry_wait_s,
            parallel=parallel,
            busy_limit_s=busy_limit_s,
            tell=tell,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def observe(self) -> Observed:
        """Return trunks of both directions, credentials, applications, assignments and the account's numbers.

        Raises:
            AccessDeniedError, UnreachableError, RefusedError.
        """
        await self.http.account()
        trunks, credentials, applications, numbers = await asyncio.gather(
            self._trunks(), self._credentials(), self._applications(), self._numbers()
        )
        users = {row.id: row.username for row in credentials}
        outbound = [row for row in trunks if row.is_outbound]
        owners = {row.credential_uuid: carrier_stamp(row.name) for row in outbound if row.credential_uuid}
        names = _names(trunks, applications)
        return Observed(
            objects=(
                *(_stamped(row.value(), row.trunk_id) for row in trunks if not row.is_outbound),
                *(_outbound(row, users) for row in outbound),
                *(_credential(row, owners.get(row.id)) for row in credentials),
                *(_stamped(row.value(), row.app_id) for row in applications),
                *(_assigned(row, names) for row in numbers if row.trunk_group_id or row.application_id),
            ),
            owned_numbers=tuple(OwnedNumber(number=row.number, blockers=row.blockers()) for row in numbers),
        )

    async def create(self, value: Value, ids: Ids) -> str:
        """Create an object, or let a number hang on one.

        Raises:
            OutcomeUnknownError: look before trying again. AccessDeniedError, UnreachableError, RefusedError.
        """
        what = f"creating {value.name}"
        match value:
            case CarrierTrunk():
                return await self._made(self.http.path("trunks"), trunk_body(value, {}), "trunk_id", what)
            case CarrierOutbound():
                body = outbound_body(value, {}, credential_id=ids[value.needs[0]])
                server_id = await self._made(self.http.path("trunks"), body, "trunk_id", what)
                await self._learn_address(server_id, value.name, ids)
                return server_id
            case Credential():
                return await self._made(self.http.path("credentials"), self._login(value), "id", what)
            case Application():
                return await self._made(self._application_path(), application_body(value), "app_id", what)
            case Assignment():
                await self._assign(value, ids)
                return value.name
            case _:
                raise AssertionError(value)

    async def update(self, server_id: str, old: Value, value: Value, ids: Ids) -> None:
        """Change what is declared and keep the rest; let a number hang on something else. Raises what `create` does."""
        what = f"updating {value.name}"
        match value:
            case CarrierTrunk() | CarrierOutbound():
                path = self.http.path("trunks", server_id)
                existing = await self.http.send("GET", path, what=f"trunk {value.name}")
                self._row(TrunkRow, existing)
                if isinstance(value, CarrierTrunk):
                    body = trunk_body(value, existing)
                else:
                    body = outbound_body(value, existing, credential_id=ids[value.needs[0]])
                await self.http.put(path, body, what=what)
            case Credential():
                await self.http.put(self.http.path("credentials", server_id), self._password(value), what=what)
            case Application():
                path = self._application_path(server_id)
                await self.http.send("POST", path, body=application_body(value), what=what)
            case Assignment():
                await _to_its_end(self._move(server_id, old, value, ids))
            case _:
                raise AssertionError(value)

    async def _move(self, number: str, old: Value, value: Assignment, ids: Ids) -> None:
        await self.delete(number, old)
        await self._assign(value, ids)

    async def delete(self, server_id: str, value: Value) -> None:
        """Delete an object, or take a number off all that it hangs on. Raises what `create` does."""
        match value:
            case Assignment():
                # A number can have both at once, and each request takes off only its own.
                for pointer in [*(["application"] if value.application else []), *(["assign"] if value.trunk else [])]:
                    await self._gone(self.http.path("numbers", server_id, pointer), f"unassigning {value.name}")
            case Application():
                await self._gone(self._application_path(server_id), f"deleting {value.name}")
            case Credential():
                await self._gone(self.http.path("credentials", server_id), f"deleting {value.name}", with_calls=True)
            case _:
                await self._gone(self.http.path("trunks", server_id), f"deleting {value.name}", with_calls=True)

    async def _gone(self, path: str, what: str, *, with_calls: bool = False) -> None:
        """Delete; what may have calls gets its time for them to end. What is not there is gone already."""
        ends_s = asyncio.get_running_loop().time() + self._calls_end_limit_s
        for pause_s in itertools.chain(_CALLS_PAUSES_S, itertools.repeat(_CALLS_PAUSES_S[-1])):
            try:
                await self.http.send("DELETE", path, what=what)
            except RefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return
                if error.status != HTTPStatus.CONFLICT or not with_calls:
                    raise
                if asyncio.get_running_loop().time() + pause_s > ends_s:
                    raise InUseError(error) from None
            else:
                return
            await asyncio.sleep(pause_s)

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return an object as it is now, None when it is not there. Raises what `observe` does."""
        match kind:
            case Kind.CARRIER_TRUNK | Kind.CARRIER_OUTBOUND:
                row = await self._trunk(server_id)
                if row is None:
                    return None
                return row.outbound(ids.names(Kind.CREDENTIAL)) if row.is_outbound else row.value()
            case Kind.ASSIGNMENT:
                rows = await self.http.rows_by_page("numbers", search=server_id.removeprefix("+"))
                numbers = [number for row in rows if (number := self._row(NumberRow, row)).number == server_id]
                return next(iter(_by_number(numbers, ids)), (server_id, None))[1]
            case _:
                return (await self.read_all(kind, ids)).get(server_id)

    async def read_all(self, kind: Kind, ids: Ids) -> Mapping[str, Value]:
        """Return all objects of a kind as they are now, by id. Raises what `observe` does."""
        match kind:
            case Kind.CREDENTIAL:
                return {row.id: Credential(name=row.username, fingerprint="") for row in await self._credentials()}
            case Kind.APPLICATION:
                return {row.app_id: row.value() for row in await self._applications()}
            case Kind.ASSIGNMENT:
                return dict(_by_number(await self._numbers(), ids))
            case _:
                users = ids.names(Kind.CREDENTIAL)
                rows = await self._trunks()
                return {row.trunk_id: row.outbound(users) if row.is_outbound else row.value() for row in rows}

    async def _trunks(self) -> list[TrunkRow]:
        return [self._row(TrunkRow, row) for row in await self.http.rows_by_offset("trunks")]

    async def _credentials(self) -> list[CredentialRow]:
        return [self._row(CredentialRow, row) for row in await self.http.rows_by_offset("trunks", "credentials")]

    async def _applications(self) -> list[ApplicationRow]:
        return [self._row(ApplicationRow, row) for row in await self.http.rows_by_offset("Application", slash=True)]

    async def _numbers(self) -> list[NumberRow]:
        return [self._row(NumberRow, row) for row in await self.http.rows_by_page("numbers")]

    async def _trunk(self, server_id: str) -> TrunkRow | None:
        try:
            row = await self.http.send("GET", self.http.path("trunks", server_id), what=f"trunk {server_id}")
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return self._row(TrunkRow, row)

    async def _learn_address(self, server_id: str, name: str, ids: Ids) -> None:
        row = await self._trunk(server_id)
        if row is not None and row.trunk_domain:
            ids.addresses[name] = row.trunk_domain

    async def _made(self, path: str, body: Mapping[str, Any], id_field: str, what: str) -> str:
        answer = await self.http.send("POST", path, body=body, what=what)
        if not isinstance(answer, dict) or not isinstance(answer.get(id_field), str):
            raise OutcomeUnknownError(SERVER, what, f"an answer without {id_field}")
        return str(answer[id_field])

    async def _assign(self, value: Assignment, ids: Ids) -> None:
        target = ids[value.target]
        path = self.http.path("numbers", value.name, "application" if value.application else "assign")
        body = {"application_id": target} if value.application else {"trunk_group_id": target}
        await self.http.send("POST", path, body=body, what=f"assigning {value.name} to {value.target}")

    def _application_path(self, *parts: str) -> str:
        return self.http.path("Application", *parts) + "/"

    def _login(self, value: Credential) -> dict[str, str]:
        return {"username": value.name} | self._password(value)

    def _password(self, value: Credential) -> dict[str, str]:
        return {"password": self._passwords[value.name].get_secret_value()}

    def _row(self, model: type[_Row], row: Any) -> _Row:
        try:
            return model.model_validate(row)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in detail["loc"]) for detail in error.errors())
            told = f"an answer with another form than documented ({fields or 'no object'})"
            raise self.http.strange(told) from None


_Names = Mapping[Kind, Mapping[str, str]]
"""Names of trunks and applications by server id."""


def _names(trunks: list[TrunkRow], applications: list[ApplicationRow]) -> _Names:
    return {
        Kind.CARRIER_TRUNK: {row.trunk_id: row.name or row.trunk_id for row in trunks},
        Kind.APPLICATION: {row.app_id: row.app_name or row.app_id for row in applications},
    }


def _stamped(value: Value, server_id: str) -> Seen:
    return Seen(value=value, server_id=server_id, stamp=carrier_stamp(value.name))


def _outbound(row: TrunkRow, users: Mapping[str, str]) -> Seen:
    return Seen(
        value=row.outbound(users),
        server_id=row.trunk_id,
        stamp=carrier_stamp(row.name),
        address=row.trunk_domain or "",
        refers=frozenset({row.credential_uuid} if row.credential_uuid else ()),
    )


def _credential(row: CredentialRow, owner: str | None) -> Seen:
    """A credential has no field for a stamp: it belongs to whom its trunk belongs, and says so in a name of ours."""
    stamp = owner or login_stamp(row.username)
    return Seen(value=Credential(name=row.username, fingerprint=""), server_id=row.id, stamp=stamp)


def _assigned(row: NumberRow, names: _Names) -> Seen:
    value = _assignment(row, names)
    refers = frozenset(known for known in (row.trunk_group_id, row.application_id) if known)
    return Seen(value=value, server_id=row.number, stamp=carrier_stamp(value.target.name), refers=refers)


def _assignment(row: NumberRow, names: _Names) -> Assignment:
    trunk, application = row.trunk_group_id or "", row.application_id or ""
    return Assignment(
        name=row.number,
        trunk=names[Kind.CARRIER_TRUNK].get(trunk, trunk),
        application=names[Kind.APPLICATION].get(application, application),
    )


def _by_number(rows: list[NumberRow], ids: Ids) -> list[tuple[str, Assignment]]:
    names = {kind: ids.names(kind) for kind in (Kind.CARRIER_TRUNK, Kind.APPLICATION)}
    return [(row.number, _assignment(row, names)) for row in rows if row.trunk_group_id or row.application_id]


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish what must not stop in the middle, then be cancelled: between two requests a number has no route."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
