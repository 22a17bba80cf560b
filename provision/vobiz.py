"""The carrier: Vobiz's REST API (https://www.vobiz.ai/docs, as of October 2026) as objects of ours."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from provision.errors import OutcomeUnknownError, RefusedError
from provision.observed import Observed, OwnedNumber, Seen
from provision.servers import Ids
from provision.stamp import carrier_stamp
from provision.values import Assignment, CarrierTrunk, Kind, Value
from provision.vobiz_http import PARALLEL, SERVER, VobizHttp
from provision.vobiz_json import NumberRow, TrunkRow, trunk_body

_Row = TypeVar("_Row", bound=BaseModel)


class Vobiz:
    """The carrier as a `provision.apply.Server`; an async context manager that owns its connections.

    `retry_wait_s`, `parallel` and `busy_limit_s` are those of `provision.vobiz_http.VobizHttp`.
    """

    def __init__(
        self,
        base_url: str,
        auth_id: str,
        auth_token: SecretStr,
        *,
        retry_wait_s: float = 0.5,
        parallel: int = PARALLEL,
        busy_limit_s: float = 120.0,
    ) -> None:
        self.http = VobizHttp(
            base_url, auth_id, auth_token, retry_wait_s=retry_wait_s, parallel=parallel, busy_limit_s=busy_limit_s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def observe(self) -> Observed:
        """Return inbound trunks, assignments and the account's numbers.

        Raises:
            AccessDeniedError, UnreachableError, RefusedError.
        """
        await self._check_account()
        trunks = [self._row(TrunkRow, row) for row in await self.http.rows_by_offset("trunks")]
        numbers = [self._row(NumberRow, row) for row in await self.http.rows_by_page("numbers")]
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
                row = await self.http.send("POST", self.http.path("trunks"), body=trunk_body(value, {}), what=what)
                if not isinstance(row, dict) or not isinstance(row.get("trunk_id"), str):
                    raise OutcomeUnknownError(SERVER, what, "an answer without trunk_id")
                return str(row["trunk_id"])
            case Assignment(name=number, trunk=trunk):
                body = {"trunk_group_id": ids[value.needs[0]]}
                await self.http.send(
                    "POST", self._assign_path(number), body=body, what=f"assigning {number} to trunk {trunk}"
                )
                return number
            case _:
                raise AssertionError(value)

    async def update(self, server_id: str, value: Value, ids: Ids) -> None:
        """Change what a trunk declares and keep the rest; move a number to another trunk. Raises what `create` does."""
        match value:
            case CarrierTrunk():
                path = self.http.path("trunks", server_id)
                existing = await self.http.send("GET", path, what=f"trunk {value.name}")
                self._row(TrunkRow, existing)
                body = trunk_body(value, existing)
                await self.http.put(path, body, what=f"updating trunk {value.name}")
            case Assignment():
                await self.delete(server_id, value)
                await self.create(value, ids)
            case _:
                raise AssertionError(value)

    async def delete(self, server_id: str, value: Value) -> None:
        """Delete a trunk, or take a number off its trunk. Raises what `create` does."""
        is_number = isinstance(value, Assignment)
        path = self._assign_path(server_id) if is_number else self.http.path("trunks", server_id)
        what = f"unassigning {server_id}" if is_number else f"deleting trunk {value.name}"
        try:
            await self.http.send("DELETE", path, what=what)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return a trunk or an assignment as it is now, None when it is not there. Raises what `observe` does."""
        if kind is Kind.CARRIER_TRUNK:
            try:
                row = await self.http.send("GET", self.http.path("trunks", server_id), what=f"trunk {server_id}")
            except RefusedError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return None
                raise
            return self._row(TrunkRow, row).value()
        rows = await self.http.rows_by_page("numbers", search=server_id.removeprefix("+"))
        numbers = (self._row(NumberRow, row) for row in rows)
        trunk = next((n.trunk_group_id for n in numbers if n.number == server_id), None)
        return Assignment(name=server_id, trunk=ids.name(Kind.CARRIER_TRUNK, trunk)) if trunk else None

    async def read_all(self, kind: Kind, ids: Ids) -> dict[str, Value]:
        """Return all trunks or all assignments as they are now, by id. Raises what `observe` does."""
        if kind is Kind.CARRIER_TRUNK:
            trunks = [self._row(TrunkRow, row) for row in await self.http.rows_by_offset("trunks")]
            return {trunk.trunk_id: trunk.value() for trunk in trunks}
        names = ids.names(Kind.CARRIER_TRUNK)
        numbers = [self._row(NumberRow, row) for row in await self.http.rows_by_page("numbers")]
        return {n.number: _assignment(n, names).value for n in numbers if n.trunk_group_id}

    async def _check_account(self) -> None:
        """Tell a wrong key and a wrong address before anything else is asked."""
        try:
            account = await self.http.send("GET", "/auth/me", what="the account")
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            account = None
        if not isinstance(account, dict):
            raise self.http.unreachable("something answers, but it is not Vobiz")

    def _row(self, model: type[_Row], row: Any) -> _Row:
        try:
            return model.model_validate(row)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in detail["loc"]) for detail in error.errors())
            raise self.http.unreachable(
                f"an answer with another form than documented ({fields or 'no object'})"
            ) from None

    def _assign_path(self, number: str) -> str:
        """The plus sign of a number must be sent as %2B; as it is, Vobiz answers 404."""
        return self.http.path("numbers", number, "assign")


def _assignment(number: NumberRow, names: Mapping[str, str]) -> Seen:
    trunk_id = number.trunk_group_id or ""
    name = names.get(trunk_id, trunk_id)
    return Seen(value=Assignment(name=number.number, trunk=name), server_id=number.number, stamp=carrier_stamp(name))
