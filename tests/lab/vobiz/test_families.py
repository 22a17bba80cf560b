"""What the contract suite does not ask of both carriers: money, releases, bounds, the paths in lower case."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.vobiz.world import NUMBER, Rest, new_account, rest

PATH = f"/numbers/%2B{NUMBER[1:]}"
FOR_SALE = "+918072000001"


async def lower(served: Rest, path: str, method: str = "POST") -> Any:
    """Ask a path below /account/."""
    url = served.url(path).replace("/Account/", "/account/")
    answer = await served.http.request(method, url)
    return answer.status_code, answer.json()


async def test_a_number_is_bought_from_the_inventory() -> None:
    """It costs, it is gone from the inventory, and it is owned."""
    account = new_account()
    account.offer_number(FOR_SALE, monthly_fee=600)
    account.offer_number("+911402000001")
    async with rest(account) as served:
        found = await served.get("/inventory/numbers", country="IN", search="1807", exclude="9114,92")
        assert [item["e164"] for item in found["items"]] == [FOR_SALE]
        bought = await served.post("/numbers/purchase-from-inventory", {"e164": FOR_SALE, "currency": "INR"})
        assert bought["number"]["account_id"] == account.auth_id
        assert (await served.get("/balance/INR"))["available_balance"] == 9300
        assert [item["e164"] for item in (await served.get("/numbers"))["items"]] == [FOR_SALE]
        again = await served.ask("POST", "/numbers/purchase-from-inventory", {"e164": FOR_SALE})
        assert (again.status_code, again.json()["error"]) == (404, "not_found")


async def test_a_purchase_without_money_is_a_500() -> None:
    """And nothing happened."""
    account = new_account()
    account.offer_number(FOR_SALE)
    account.balance = 1
    async with rest(account) as served:
        answer = await served.ask("POST", "/numbers/purchase-from-inventory", {"e164": FOR_SALE})
        assert (answer.status_code, answer.json()["message"]) == (500, "failed to purchase number")
        assert account.numbers == {}


async def test_a_released_number_can_be_kept_for_a_while() -> None:
    """It leaves its trunk at once and is not put back; the fee is."""
    async with rest() as served:
        trunk = await served.trunk()
        await served.assign(NUMBER, trunk["trunk_id"])
        released = await served.ask("DELETE", PATH)
        assert released.status_code == 200
        assert released.json()["status"] == "pending_release"
        assert released.json()["cancel_url"].endswith("/cancel-release")
        (item,) = (await served.get("/numbers"))["items"]
        assert item["status"] == "pending_release"
        assert "trunk_group_id" not in item
        assert (await served.assign(NUMBER, trunk["trunk_id"])).status_code == 400
        assert (await lower(served, f"{PATH}/cancel-release"))[0] == 200
        (item,) = (await served.get("/numbers"))["items"]
        assert (item["status"], "trunk_group_id" in item, served.account.balance) == ("active", False, 10_000)
        assert (await lower(served, f"{PATH}/cancel-release"))[0] == 400
        assert (await lower(served, f"{PATH}/health", "GET"))[1]["is_spam"] is False


async def test_a_number_is_gone_when_its_cool_off_is_over_or_at_once() -> None:
    """`immediate=true` does not wait."""
    async with rest() as served:
        served.account.add_number("+918071000002")
        assert (await served.ask("DELETE", PATH, immediate="true")).json()["status"] == "released"
        served.account.habits.cool_off_s = 0
        await served.ask("DELETE", "/numbers/%2B918071000002")
        assert (await served.get("/numbers"))["total"] == 0
        assert (await served.ask("DELETE", PATH)).status_code == 403


async def test_capacity_can_be_priced_and_bought() -> None:
    """Decimal text; paid at once; the limits grow."""
    async with rest() as served:
        base = served.fake.base_url + f"/accounts/{served.account.auth_id}"
        asked: dict[str, Any] = {"resource_type": "cps", "quantity": 3}
        priced = (await served.http.get(f"{base}/channel-pricing-preview", params=asked)).json()
        assert (priced["monthly_cost"], priced["currency"]) == ("3897.00", "INR")
        bought = await served.http.post(f"{base}/channel-subscriptions", json=asked)
        assert (bought.status_code, bought.json()["status"]) == (201, "active")
        me = (await served.http.get(f"{served.fake.base_url}/auth/me")).json()
        assert (me["cps_limit"], me["base_cps_limit"], me["purchased_cps"]) == (4, 1, 3)
        poor = await served.http.post(f"{base}/channel-subscriptions", json=asked | {"quantity": 100})
        assert poor.status_code == 400
        booked = await served.get("/transactions")
        assert [row["amount"] for row in booked["transactions"]] == [-3897]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 101},
        {"transport": "sctp"},
        {"cps_limit": 101},
        {"cps_limit": True},
        {"recording": "yes"},
        {"description": "x" * 501},
        {"webhook_url": "ftp://lotus.in"},
        {"enable_transcription": True},
        {"recording": True, "pii_redaction": True},
        {"trunk_status": "active"},
    ],
)
async def test_the_bounds_of_a_trunk_are_kept(fields: dict[str, Any]) -> None:
    """Of its creation and of its update, and nothing is changed then."""
    async with rest() as served:
        assert (await served.ask("POST", "/trunks", {"name": "x"} | fields)).status_code in (400, 422)
        trunk = await served.trunk()
        path = f"/trunks/{trunk['trunk_id']}"
        assert (await served.ask("PUT", path, fields)).status_code in (400, 422)
        assert await served.get(path) == trunk


async def test_the_older_spelling_makes_the_same_trunk() -> None:
    """trunk_type, max_concurrent_calls, enabled."""
    async with rest() as served:
        made = await served.post(
            "/trunks", {"name": "x", "trunk_type": "INBOUND", "max_concurrent_calls": 7, "enabled": False}
        )
        assert (made["trunk_direction"], made["concurrent_calls_limit"]) == ("inbound", 7)
        assert made["trunk_status"] == "disabled"


async def test_a_deleted_trunk_frees_its_numbers() -> None:
    """They are owned as before."""
    async with rest() as served:
        trunk = await served.trunk()
        await served.assign(NUMBER, trunk["trunk_id"])
        assert (await served.ask("DELETE", f"/trunks/{trunk['trunk_id']}")).status_code == 204
        (item,) = (await served.get("/numbers"))["items"]
        assert "trunk_group_id" not in item


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/credentials", {"username": "a-b", "password": "12345678"}, 400),
        ("/credentials", {"username": "ab", "password": "short"}, 400),
        ("/credentials", {"password": "12345678"}, 400),
        ("/ip-acl", {"name": "x", "ip_address": "2001:db8::1"}, 400),
        ("/ip-acl", {"name": "x"}, 400),
        ("/origination-uris", {"name": "x", "sip_uri": "sip:h"}, 400),
        ("/Application/", {"app_name": "a b", "answer_url": "https://h"}, 400),
        ("/Application/", {"app_name": "ab", "answer_url": "h"}, 400),
        ("/Application/", {"app_name": "ab", "answer_url": "https://h", "answer_method": "PUT"}, 400),
        ("/Application", {"app_name": "ab", "answer_url": "https://h"}, 404),
        ("/Call", {}, 405),
    ],
)
async def test_what_is_wrong_is_refused(path: str, body: dict[str, Any], status: int) -> None:
    """In words."""
    async with rest() as served:
        answer = await served.ask("POST", path, body)
        assert answer.status_code == status
        assert answer.json()


async def test_parts_are_updated_and_deleted() -> None:
    """By id, beside the trunks."""
    async with rest() as served:
        user = await served.post("/credentials", {"username": "lotus", "password": "12345678"})
        acl = await served.post("/ip-acl", {"name": "one", "ip_address": "10.0.0.0/8"})
        uri = await served.post("/origination-uris", {"uri": "sip:h:5060", "priority": 1, "weight": 5})
        changes = (
            (f"/credentials/{user['id']}", {"password": "87654321", "enabled": False}, ("enabled", False)),
            (f"/ip-acl/{acl['id']}", {"name": "two", "ip_address": "10.0.0.1"}, ("description", "two")),
            (f"/origination-uris/{uri['id']}", {"sip_uri": "sip:n", "name": "n", "priority": 2}, ("uri", "sip:n")),
        )
        for path, body, (name, value) in changes:
            answer = await served.ask("PUT", path, body)
            assert (answer.status_code, answer.json()[name]) == (200, value)
            assert (await served.ask("DELETE", path)).status_code == 204
            assert (await served.ask("DELETE", path)).status_code == 404
            assert (await served.ask("PUT", path, body)).status_code == 404
        assert served.account.credentials == {}


@pytest.mark.parametrize("text", ["0001", "8071000020", "918071000249", "nothing", "", "1", "91\n91"])
async def test_numbers_are_found_by_any_part_of_them(text: str) -> None:
    """The index follows what is added."""
    account = new_account(*(f"+91807100{index:04}" for index in range(250)))
    async with rest(account) as served:
        for _ in range(2):
            found = await served.get("/numbers", search=text, page=1, per_page=100)
            expected = [number for number in account.numbers if text in number]
            assert found["total"] == len(expected)
            assert [item["e164"] for item in found["items"]] == expected[:100]
            account.add_number("+918071990001")
    assert account.numbers_at("trunk_group_id", "x") == []


async def test_an_account_with_many_numbers_is_served() -> None:
    """Page by page; a trunk with all of them is deleted at once."""
    account = new_account(*(f"+91807{index:07}" for index in range(10_000)))
    async with rest(account) as served:
        trunk = await served.trunk()
        for row in account.numbers.values():
            account.point(row, "trunk_group_id", trunk["trunk_id"])
        seen = set()
        for page in range(1, 101):
            body = await served.get("/numbers", page=page, per_page=100)
            seen |= {item["e164"] for item in body["items"] if item["trunk_group_id"] == trunk["trunk_id"]}
        assert seen == account.numbers.keys()
        assert (await served.ask("DELETE", f"/trunks/{trunk['trunk_id']}")).status_code == 204
        assert not any("trunk_group_id" in row for row in account.numbers.values())
