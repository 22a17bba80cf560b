"""SIP trunks, habit by habit (D:trunks, D:trunks/create-trunk; October 2026)."""

from __future__ import annotations

import re

import pytest

from tests.contracts.conftest import Carrier, Row, new_name, row

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_a_trunk_is_created_read_listed_and_deleted(carrier: Carrier, trunk: Row) -> None:
    """Bare objects, no wrapper; a domain of its own; `active` where the request may say `enabled`."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*\.sip\.vobiz\.ai", trunk["trunk_domain"])
    assert trunk["trunk_status"] in ("active", "enabled")
    assert trunk["trunk_direction"] == "inbound"
    assert trunk["inbound_destination"] == "h.lotus.in"
    path = f"{carrier.account}/trunks/{trunk['trunk_id']}"
    assert row(await carrier.http.get(path))["name"] == trunk["name"]
    body = await carrier.listed("trunks", limit=100, offset=0)
    assert trunk["trunk_id"] in [seen["trunk_id"] for seen in body["objects"]]
    deleted = await carrier.http.delete(path)
    assert deleted.status_code in (200, 204)
    assert (await carrier.http.get(path)).status_code == 404


async def test_a_trunk_may_be_created_in_both_spellings_at_once(carrier: Carrier) -> None:
    """Older and newer documents differ; live servers take both together."""
    made = await carrier.trunk(
        trunk_direction="inbound",
        trunk_type="INBOUND",
        trunk_status="enabled",
        transport="udp",
        max_concurrent_calls=10,
        concurrent_calls_limit=10,
        inbound_destination="h.lotus.in:5080",
    )
    assert (made["trunk_direction"], made["transport"], made["concurrent_calls_limit"]) == ("inbound", "udp", 10)


async def test_a_destination_with_a_prefix_is_taken(carrier: Carrier) -> None:
    """The trap: it is stored as it is, and no call arrives."""
    made = await carrier.trunk(trunk_direction="inbound", inbound_destination="sip:h.lotus.in")
    assert made["inbound_destination"] == "sip:h.lotus.in"


async def test_names_of_trunks_may_repeat(carrier: Carrier, trunk: Row) -> None:
    """So whoever creates looks first."""
    again = await carrier.trunk(name=trunk["name"])
    assert again["trunk_id"] != trunk["trunk_id"]


async def test_an_update_changes_what_it_sends(carrier: Carrier, trunk: Row) -> None:
    """The full known state is sent, which is right under either reading of PUT."""
    path = f"{carrier.account}/trunks/{trunk['trunk_id']}"
    body = {
        "name": trunk["name"],
        "trunk_direction": "inbound",
        "trunk_status": "disabled",
        "inbound_destination": "n.in",
    }
    answer = await carrier.http.put(path, json=body)
    assert answer.status_code == 200
    now = row(await carrier.http.get(path))
    assert (now["inbound_destination"], now["trunk_status"]) == ("n.in", "disabled")


async def test_what_is_not_set_is_not_in_the_answer(carrier: Carrier) -> None:
    """Optional fields are missing, not null."""
    made = await carrier.trunk()
    assert not {"inbound_destination", "credential_uuid", "primary_uri_uuid", "webhook_url"} & set(made)


async def test_trunks_are_paged_by_limit_and_offset(carrier: Carrier, trunk: Row) -> None:
    """An empty page has null or nothing for its list."""
    body = await carrier.listed("trunks", limit=1, offset=0)
    assert len(body["objects"]) == 1
    total = body["meta"].get("total", body["meta"].get("total_count"))
    past = await carrier.listed("trunks", limit=1, offset=total)
    assert not past["objects"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_trunk_is_not_found(carrier: Carrier, method: str) -> None:
    """For every method."""
    path = f"{carrier.account}/trunks/{UNKNOWN}"
    answer = await carrier.http.request(method, path, json={"name": new_name()})
    assert answer.status_code == 404
    assert set(row(answer)) & {"error", "message"}


@pytest.mark.parametrize("fields", [{"name": ""}, {"trunk_direction": "sideways"}, {"concurrent_calls_limit": 5000}])
async def test_a_trunk_that_is_none_is_refused(carrier: Carrier, fields: Row) -> None:
    """400 or 422, with a reason."""
    answer = await carrier.make("trunks", {"name": new_name()} | fields, key="trunk_id")
    assert answer.status_code in (400, 422)
    assert row(answer)["error"]


async def test_a_body_that_is_no_json_is_refused(carrier: Carrier) -> None:
    """400."""
    kind = {"Content-Type": "application/json"}
    answer = await carrier.http.post(f"{carrier.account}/trunks", content=b"{", headers=kind)
    assert answer.status_code == 400
