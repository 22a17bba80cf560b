"""The part of Vobiz's REST API that provisioning uses, habit by habit (https://www.vobiz.ai/docs, October 2026)."""

import re

import httpx2
import pytest

from tests.contracts.conftest import Carrier, opened

Trunk = dict[str, str]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def listed(carrier: Carrier, family: str, **params: int | str) -> dict[str, object]:
    answer = await carrier.http.get(f"{carrier.account}/{family}", params=params)
    assert answer.status_code == 200
    return answer.json()


async def number_of(carrier: Carrier) -> dict[str, object]:
    body = await listed(carrier, "numbers", search=carrier.number[1:])
    (row,) = body["items"]
    return row


async def test_the_account_is_known_by_its_credentials(carrier: Carrier):
    """`/auth/me` also holds the secret, so it must never be logged."""
    answer = await carrier.http.get(f"{carrier.base_url}/auth/me")
    assert answer.status_code == 200
    assert answer.json()["auth_id"] == carrier.auth_id


@pytest.mark.parametrize(("auth_id", "auth_token"), [("", ""), (None, "wrong"), ("MA_WRONG", None)])
async def test_wrong_credentials_are_a_401(carrier: Carrier, auth_id, auth_token):
    """With a body in words."""
    keys = (carrier.auth_id if auth_id is None else auth_id, carrier.auth_token if auth_token is None else auth_token)
    async with opened(*keys) as http:
        for path in (f"{carrier.base_url}/auth/me", f"{carrier.account}/trunks"):
            answer = await http.get(path)
            assert answer.status_code == 401
            assert answer.json()["error"]


@pytest.mark.parametrize("segment", ["account", "ACCOUNT", "accounts"])
async def test_the_casing_of_the_path_matters(carrier: Carrier, segment):
    """`/Account/` and nothing else, 401 or 404."""
    answer = await carrier.http.get(f"{carrier.base_url}/{segment}/{carrier.auth_id}/trunks")
    assert answer.status_code in (401, 404)


async def test_a_trunk_is_created_read_listed_and_deleted(carrier: Carrier, trunk: Trunk):
    """Bare objects, no wrapper; a domain of its own; `active` where the request may say `enabled`."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*\.sip\.vobiz\.ai", trunk["trunk_domain"])
    assert trunk["trunk_status"] in ("active", "enabled")
    assert trunk["trunk_direction"] == "inbound"
    assert trunk["inbound_destination"] == "h.lotus.in"
    path = f"{carrier.account}/trunks/{trunk['trunk_id']}"
    assert (await carrier.http.get(path)).json()["name"] == trunk["name"]
    body = await listed(carrier, "trunks", limit=100, offset=0)
    assert trunk["trunk_id"] in [row["trunk_id"] for row in body["objects"]]
    deleted = await carrier.http.delete(path)
    assert deleted.status_code in (200, 204)
    assert (await carrier.http.get(path)).status_code == 404


async def test_a_trunk_may_be_created_in_both_spellings_at_once(carrier: Carrier):
    """Older and newer documents differ; live servers take both together."""
    body = {
        "name": "contract-both",
        "trunk_direction": "inbound",
        "trunk_type": "INBOUND",
        "trunk_status": "enabled",
        "transport": "udp",
        "max_concurrent_calls": 10,
        "concurrent_calls_limit": 10,
        "inbound_destination": "h.lotus.in:5080",
    }
    answer = await carrier.http.post(f"{carrier.account}/trunks", json=body)
    assert answer.status_code in (200, 201)
    made = answer.json()
    await carrier.http.delete(f"{carrier.account}/trunks/{made['trunk_id']}")
    assert (made["trunk_direction"], made["transport"], made["concurrent_calls_limit"]) == ("inbound", "udp", 10)


async def test_names_of_trunks_may_repeat(carrier: Carrier, trunk: Trunk):
    """So whoever creates looks first."""
    answer = await carrier.http.post(f"{carrier.account}/trunks", json={"name": trunk["name"]})
    await carrier.http.delete(f"{carrier.account}/trunks/{answer.json()['trunk_id']}")
    assert answer.is_success


async def test_an_update_changes_what_it_sends(carrier: Carrier, trunk: Trunk):
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
    now = (await carrier.http.get(path)).json()
    assert (now["inbound_destination"], now["trunk_status"]) == ("n.in", "disabled")


async def test_what_is_not_set_is_not_in_the_answer(carrier: Carrier):
    """Optional fields are missing, not null."""
    made = (await carrier.http.post(f"{carrier.account}/trunks", json={"name": "contract-bare"})).json()
    await carrier.http.delete(f"{carrier.account}/trunks/{made['trunk_id']}")
    assert "inbound_destination" not in made
    assert "credential_uuid" not in made


async def test_trunks_are_paged_by_limit_and_offset(carrier: Carrier, trunk: Trunk):
    """An empty page has null for its list."""
    body = await listed(carrier, "trunks", limit=1, offset=0)
    assert len(body["objects"]) == 1
    total = body["meta"]["total"]
    past = await listed(carrier, "trunks", limit=1, offset=total)
    assert not past["objects"]
    assert past["meta"]["total"] == total


async def test_numbers_are_paged_by_page(carrier: Carrier):
    """From 1; another envelope than trunks."""
    body = await listed(carrier, "numbers", page=1, per_page=1)
    assert (body["page"], body["per_page"], len(body["items"])) == (1, 1, 1)
    past = await listed(carrier, "numbers", page=body["total"] + 1, per_page=1)
    assert not past["items"]


async def test_a_number_is_assigned_and_unassigned_without_a_body(carrier: Carrier, trunk: Trunk):
    """204 both ways; the list shows it."""
    assert "trunk_group_id" not in await number_of(carrier)
    assigned = await carrier.http.post(carrier.assign, json={"trunk_group_id": trunk["trunk_id"]})
    assert (assigned.status_code, assigned.content) == (204, b"")
    assert (await number_of(carrier))["trunk_group_id"] == trunk["trunk_id"]
    unassigned = await carrier.http.delete(carrier.assign)
    assert (unassigned.status_code, unassigned.content) == (204, b"")
    assert "trunk_group_id" not in await number_of(carrier)


async def test_a_number_on_a_trunk_is_not_assigned_again(carrier: Carrier, trunk: Trunk):
    """400, also for the same trunk: unassign first."""
    body = {"trunk_group_id": trunk["trunk_id"]}
    await carrier.http.post(carrier.assign, json=body)
    again = await carrier.http.post(carrier.assign, json=body)
    assert again.status_code == 400
    assert set(again.json()) >= {"error", "message"}


async def test_a_plus_sign_that_is_not_encoded_finds_nothing(carrier: Carrier, trunk: Trunk):
    """404, not 204."""
    url = httpx2.URL(f"{carrier.account}/numbers/{carrier.number}/assign")
    assert b"+" in url.raw_path
    answer = await carrier.http.post(url, json={"trunk_group_id": trunk["trunk_id"]})
    assert answer.status_code == 404


async def test_a_number_of_somebody_else_is_not_found(carrier: Carrier, trunk: Trunk):
    """404 with code and words."""
    path = f"{carrier.account}/numbers/%2B919000000000/assign"
    answer = await carrier.http.post(path, json={"trunk_group_id": trunk["trunk_id"]})
    assert answer.status_code in (403, 404)
    assert set(answer.json()) >= {"error", "message"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_trunk_is_not_found(carrier: Carrier, method):
    """For every method; the body has the status once more."""
    answer = await carrier.http.request(method, f"{carrier.account}/trunks/{UNKNOWN}", json={"name": "x"})
    assert answer.status_code == 404
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "body", [{}, {"name": "x", "trunk_direction": "sideways"}, {"name": "x", "concurrent_calls_limit": 5000}]
)
async def test_a_trunk_that_is_none_is_refused(carrier: Carrier, body):
    """400 or 422, with a reason."""
    answer = await carrier.http.post(f"{carrier.account}/trunks", json=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


async def test_a_body_that_is_no_json_is_refused(carrier: Carrier):
    """400."""
    answer = await carrier.http.post(
        f"{carrier.account}/trunks", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
