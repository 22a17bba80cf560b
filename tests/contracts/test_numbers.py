"""Phone numbers: lists, trunks, Applications (D:account-phone-number/*, D:trunks/assign-number). Nothing is bought."""

from __future__ import annotations

import httpx2
import pytest

from tests.contracts.conftest import Carrier, Row, row

FOREIGN = "%2B919000000000"


async def number_of(carrier: Carrier) -> Row:
    body = await carrier.listed("numbers", search=carrier.number[1:], page=1, per_page=25)
    (item,) = [item for item in body["items"] if item["e164"] == carrier.number]
    assert isinstance(item, dict)
    return item


async def test_numbers_are_paged_by_page(carrier: Carrier) -> None:
    """From 1; another envelope than trunks."""
    body = await carrier.listed("numbers", page=1, per_page=1)
    assert (body["page"], body["per_page"]) == (1, 1)
    assert len(body["items"]) == min(body["total"], 1)
    past = await carrier.listed("numbers", page=body["total"] + 2, per_page=1)
    assert not past["items"]


async def test_the_inventory_has_prices(carrier: Carrier) -> None:
    """Setup and month, with their currency; numbers that begin with a prefix can be left out."""
    body = await carrier.listed("inventory/numbers", country="IN", page=1, per_page=5)
    for item in body["items"]:
        assert item["e164"].startswith("+")
        assert item["setup_fee"] >= 0
        assert item["monthly_fee"] > 0
        assert item["currency"]
        assert "trunk_group_id" not in item
    without = await carrier.listed("inventory/numbers", country="IN", exclude="91", page=1, per_page=5)
    assert not without["items"]


async def test_a_number_is_assigned_and_unassigned_without_a_body(carrier: Carrier, trunk: Row) -> None:
    """204 both ways; the list shows it."""
    assigned = await carrier.http.post(carrier.assign, json={"trunk_group_id": trunk["trunk_id"]})
    assert (assigned.status_code, assigned.content) == (204, b"")
    assert (await number_of(carrier))["trunk_group_id"] == trunk["trunk_id"]
    unassigned = await carrier.http.delete(carrier.assign)
    assert (unassigned.status_code, unassigned.content) == (204, b"")
    assert not (await number_of(carrier)).get("trunk_group_id")


async def test_a_number_on_a_trunk_is_not_assigned_again(carrier: Carrier, trunk: Row) -> None:
    """400, also for the same trunk: unassign first."""
    body = {"trunk_group_id": trunk["trunk_id"]}
    await carrier.http.post(carrier.assign, json=body)
    again = await carrier.http.post(carrier.assign, json=body)
    assert again.status_code == 400
    assert set(row(again)) >= {"error", "message"}


async def test_a_number_is_attached_to_an_application_and_detached(carrier: Carrier) -> None:
    """Another one takes the first one's place; an Application with numbers is not deleted."""
    path = f"{carrier.number_path}/application"
    ids = []
    for name in ("dialroom-contract-one", "dialroom-contract-two"):
        made = await carrier.make(
            "Application", {"app_name": name, "answer_url": "https://lotus.in/answer"}, key="app_id", slash="/"
        )
        ids.append(row(made)["app_id"])
        attached = await carrier.http.post(path, json={"application_id": ids[-1]})
        assert attached.status_code in (200, 204)
        assert (await number_of(carrier))["application_id"] == ids[-1]
    assert (await carrier.http.delete(f"{carrier.account}/Application/{ids[-1]}/")).status_code == 409
    assert (await carrier.http.delete(path)).status_code in (200, 204)
    assert not (await number_of(carrier)).get("application_id")
    assert (await carrier.http.delete(path)).status_code == 404


async def test_a_plus_sign_that_is_not_encoded_finds_nothing(carrier: Carrier, trunk: Row) -> None:
    """404, not 204."""
    url = httpx2.URL(carrier.assign.replace("%2B", "+"))
    assert b"+" in url.raw_path
    answer = await carrier.http.post(url, json={"trunk_group_id": trunk["trunk_id"]})
    assert answer.status_code == 404


@pytest.mark.parametrize("what", ["assign", "application"])
async def test_a_number_of_somebody_else_is_not_found(carrier: Carrier, trunk: Row, what: str) -> None:
    """404 with code and words."""
    path = f"{carrier.account}/numbers/{FOREIGN}/{what}"
    answer = await carrier.http.post(path, json={"trunk_group_id": trunk["trunk_id"], "application_id": "1"})
    assert answer.status_code in (403, 404)
    assert set(row(answer)) >= {"error", "message"}
