"""The carrier's side of a number, read as it is stored there."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from provision.routing.world import Carrier, CarrierNumber, CarrierTrunk
from provision.vobiz_http import VobizHttp
from provision.vobiz_json import ApplicationRow, NumberRow, TrunkRow

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_URI_PARTS = re.compile(r"(sips?:)?([^@]*@)?(?P<place>[^;?>]*)", re.IGNORECASE)
_Row = TypeVar("_Row", bound=BaseModel)


class _UriRow(BaseModel):
    """An origination URI: what the console makes of a trunk's destination."""

    model_config = ConfigDict(extra="ignore")

    id: str
    uri: str = ""


async def read_carrier(http: VobizHttp, number: str) -> Carrier:
    """Return one number (E.164) of the account, if it has it, and all trunks and applications.

    Raises:
        AccessDeniedError, UnreachableError, RefusedError.
    """
    trunks = [_row(http, TrunkRow, row) for row in await http.rows_by_offset("trunks")]
    numbers = [
        _row(http, NumberRow, row) for row in await http.rows_by_page("numbers", search=number.removeprefix("+"))
    ]
    applications = [_row(http, ApplicationRow, row) for row in await http.rows_by_offset("Application", slash=True)]
    uris = await _uris(http) if any(_UUID.fullmatch(row.inbound_destination or "") for row in trunks) else {}
    return Carrier(
        numbers={row.number: _number(row) for row in numbers},
        trunks={row.trunk_id: _trunk(row, uris) for row in trunks},
        applications={row.app_id: row.answer_url or "" for row in applications},
    )


async def _uris(http: VobizHttp) -> dict[str, str]:
    """Return the places of origination URIs by id: a trunk made in the console names one instead of a host."""
    rows = [_row(http, _UriRow, row) for row in await http.rows_by_offset("trunks", "origination-uris")]
    places = {row.id: _URI_PARTS.match(row.uri) for row in rows}
    return {known: match["place"] for known, match in places.items() if match}


def _number(row: NumberRow) -> CarrierNumber:
    return CarrierNumber(
        number=row.number,
        trunk_id=row.trunk_group_id or None,
        application_id=row.application_id or None,
        blockers=row.blockers(),
    )


def _trunk(row: TrunkRow, uris: dict[str, str]) -> CarrierTrunk:
    stored = row.inbound_destination or ""
    return CarrierTrunk(
        trunk_id=row.trunk_id,
        name=row.name,
        inbound_destination=uris.get(stored, stored),
        enabled=row.value().enabled,
        is_outbound=row.trunk_direction == "outbound",
    )


def _row(http: VobizHttp, model: type[_Row], row: Any) -> _Row:
    try:
        return model.model_validate(row)
    except ValidationError:
        raise http.strange("an answer with another form than documented") from None
