"""Every habit can be switched, over HTTP too, and shows on the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from lab.vobiz.errors import ErrorShape
from lab.vobiz.faults import Fault
from lab.vobiz.habits import Habits, HabitsError
from tests.lab.vobiz.world import NUMBER, Rest, new_account, rest


async def habits(served: Rest, **changes: Any) -> None:
    assert (await served.ask("POST", "/lab/habits", changes)).status_code == 200


async def test_habits_are_changed_all_or_none_and_put_back() -> None:
    """What is not known is refused in words."""
    async with rest() as served:
        wrong = await served.ask("POST", "/lab/habits", {"latency_ms": 1, "put_style": "sideways"})
        assert wrong.status_code == 400
        assert "put_style" in wrong.json()["error"]
        assert served.account.habits == Habits()
        await habits(served, latency_ms=1, put_style="replace")
        assert (await served.get("/lab/habits"))["put_style"] == "replace"
        await served.ask("PUT", "/lab/habits", {})
        assert served.account.habits == Habits()
    with pytest.raises(HabitsError):
        Habits().change({"coffee": True})


async def test_empty_lists_are_null_where_life_says_so() -> None:
    """Or never, or everywhere."""
    async with rest(new_account()) as served:
        assert (await served.get("/trunks"))["objects"] is None
        assert (await served.get("/numbers"))["items"] == []
        await habits(served, null_lists="all")
        assert (await served.get("/numbers"))["items"] is None
        await habits(served, null_lists="none")
        assert (await served.get("/trunks"))["objects"] == []


@pytest.mark.parametrize(("style", "name"), [("offset", "objects"), ("page", "items"), ("records", "data")])
async def test_a_family_may_have_another_style_of_paging(style: str, name: str) -> None:
    """Each in its own envelope, with its own parameters."""
    async with rest() as served:
        served.account.add_number("+918071000002")
        await habits(served, paging={"numbers": style}, total_name="total_count")
        given = {"limit": 1, "offset": 1} if style == "offset" else {"page": 2, "per_page": 1}
        body = await served.get("/numbers", **given)
        assert [item["e164"] for item in body[name]] == ["+918071000002"]
        assert body.get("meta", body.get("pagination", body))["total_count"] == 2
        await habits(served, total_name="none")
        body = await served.get("/numbers", **given)
        assert "total" not in body.get("meta", body.get("pagination", body))


@pytest.mark.parametrize("params", [{"limit": "x"}, {"limit": 0}, {"offset": -1}])
async def test_a_page_that_is_none_is_refused(params: dict[str, Any]) -> None:
    """400."""
    async with rest() as served:
        assert (await served.ask("GET", "/trunks", **params)).status_code == 400


async def test_answers_may_be_spelled_as_older_documents_have_it() -> None:
    """Or in both ways, in capitals, with `enabled` for `active`, without surprises."""
    async with rest() as served:
        trunk = await served.trunk()
        path = f"/trunks/{trunk['trunk_id']}"
        assert "x_undocumented" in trunk
        await habits(served, spelling="older", status_word="enabled", extra_fields=False)
        older = await served.get(path)
        assert (older["trunk_type"], older["max_concurrent_calls"], older["enabled"]) == ("INBOUND", 10, True)
        assert not {"trunk_direction", "concurrent_calls_limit", "x_undocumented"} & set(older)
        assert older["trunk_status"] == "enabled"
        await habits(served, spelling="both", upper_case=True, create_status=202)
        both = await served.get(path)
        assert (both["trunk_direction"], both["trunk_type"], both["transport"]) == ("INBOUND", "INBOUND", "UDP")
        assert (await served.ask("POST", "/trunks", {"name": "x"})).status_code == 202


async def test_every_answer_and_every_object_in_it_grows_fields() -> None:
    """Also errors do not; only answers do."""
    async with rest() as served:
        for path in ("/trunks", "/numbers", "/Application/", "/cdr", "/balance/INR", "/concurrency"):
            body = await served.get(path)
            assert "x_undocumented" in body
        assert "x_undocumented" in (await served.get("/numbers"))["items"][0]


@pytest.mark.parametrize("shape", ["general", "plain", "coded", "detail", "gateway"])
async def test_refusals_may_come_in_one_shape(shape: ErrorShape) -> None:
    """Four are documented, and the gateway has its own."""
    async with rest() as served:
        await habits(served, error_shape=shape)
        keys = {
            "general": {"status", "error", "timestamp", "requestId"},
            "plain": {"api_id", "error", "message"},
            "coded": {"error", "code"},
            "detail": {"error", "details"},
            "gateway": {"message"},
        }[shape]
        paths = ("/trunks/none", "/Application/1/", "/nowhere", "/balance/USD")
        for path in paths:
            answer = await served.ask("GET", path)
            assert answer.status_code == 404
            assert set(answer.json()) == keys
        served.account.auth_token = "another"
        assert set((await served.ask("GET", "/trunks")).json()) == keys


@pytest.mark.parametrize("changes", [{"late_reads": 2}, {"late_ms": 60_000}])
async def test_lists_may_be_late(changes: dict[str, Any]) -> None:
    """New objects and changes appear some reads or some time later; by id they are there at once."""
    async with rest() as served:
        await habits(served, **changes)
        trunk = await served.trunk()
        assert (await served.assign(NUMBER, trunk["trunk_id"])).status_code == 204
        assert (await served.get(f"/trunks/{trunk['trunk_id']}"))["name"] == "in"
        for _ in range(2):
            assert (await served.get("/trunks"))["objects"] is None
            assert "trunk_group_id" not in (await served.get("/numbers"))["items"][0]
        if "late_ms" in changes:
            served.account.late.forget()
        assert len((await served.get("/trunks"))["objects"]) == 1
        assert (await served.get("/numbers"))["items"][0]["trunk_group_id"] == trunk["trunk_id"]


async def test_a_deleted_object_is_gone_from_late_lists_too() -> None:
    """It cannot be shown as it was."""
    async with rest() as served:
        await habits(served, late_reads=5)
        trunk = await served.trunk()
        await served.ask("DELETE", f"/trunks/{trunk['trunk_id']}")
        assert (await served.get("/trunks"))["objects"] is None


@pytest.mark.parametrize("told", ["both", "header", "body", "none"])
async def test_more_requests_than_the_bucket_holds_are_a_429(told: str) -> None:
    """With the seconds in the header, in the body, in both or in none."""
    async with rest() as served:
        await habits(served, rate_per_s=0.001, rate_burst=2, retry_after=told)
        statuses = [(await served.ask("GET", "/trunks")).status_code for _ in range(2)]
        answer = await served.ask("POST", "/trunks", {"name": "x"})
        details = answer.json()["error"]["details"]
        assert (statuses, answer.status_code) == ([200, 200], 429)
        assert ("Retry-After" in answer.headers) is (told in ("both", "header"))
        assert ("retryAfter" in details) is (told in ("both", "body"))
        assert served.account.trunks == {}
        assert (await served.ask("GET", "/lab/log")).json()["committed"] == 0


async def test_latency_does_not_queue_requests() -> None:
    """Many are inside at the same time."""
    async with rest() as served:
        await habits(served, latency_ms=500)
        asked = [asyncio.create_task(served.ask("GET", "/trunks")) for _ in range(20)]
        most = 0
        while not all(task.done() for task in asked):
            await asyncio.sleep(0.005)
            most = max(most, sum(entry.status is None for entry in served.fake.gate.log.entries))
        assert {(await task).status_code for task in asked} == {200}
        assert most > 1


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("status", [None, 500, 503])
async def test_a_write_may_be_lost_before_or_after_it_is_done(status: int | None, after_commit: bool) -> None:
    """The client cannot tell."""
    async with rest() as served:
        fault = {"method": "POST", "path": "/trunks", "status": status, "after_commit": after_commit}
        assert (await served.ask("PUT", "/lab/faults", [fault])).json()["waiting"] == 1
        if status is None:
            with pytest.raises(httpx2.HTTPError):
                await served.ask("POST", "/trunks", {"name": "x"})
        else:
            assert (await served.ask("POST", "/trunks", {"name": "x"})).status_code == status
        assert len(served.account.trunks) == after_commit
        (entry,) = (await served.get("/lab/log"))["requests"]
        assert (entry["status"], entry["committed"]) == (status or 0, after_commit)


@pytest.mark.parametrize("shape", ["general", "plain", "coded", "detail", "gateway", "html", "empty"])
async def test_a_fault_may_have_any_body(shape: str) -> None:
    """Also the page of a proxy, or nothing."""
    async with rest() as served:
        served.fake.faults.waiting = [Fault.model_validate({"method": "*", "status": 502, "shape": shape})]
        answer = await served.ask("GET", "/trunks")
        assert answer.status_code == 502
        assert ("json" in answer.headers.get("Content-Type", "")) is (shape not in ("html", "empty"))


async def test_a_slow_answer_is_as_usual_when_it_comes() -> None:
    """`passes`."""
    async with rest() as served:
        served.fake.faults.waiting = [Fault(method="GET", path="/trunks", passes=True, delay_s=0.05)]
        assert await served.get("/trunks")
        assert served.fake.faults.waiting[0].times == 0


async def test_faults_that_are_none_are_refused() -> None:
    """In words."""
    async with rest() as served:
        for body in ([{"path": "/x"}], {"method": "GET"}, [{"method": "GET", "colour": 1}]):
            assert (await served.ask("POST", "/lab/faults", body)).status_code == 400


async def test_patch_is_taken_only_by_habit() -> None:
    """And never replaces."""
    async with rest() as served:
        trunk = await served.trunk(description="Priya's")
        path = f"/trunks/{trunk['trunk_id']}"
        assert (await served.ask("PATCH", path, {"inbound_destination": "n.in"})).status_code == 405
        await habits(served, patch=True, put_style="replace")
        assert (await served.ask("PATCH", path, {"inbound_destination": "n.in"})).json()["description"] == "Priya's"
        assert (await served.ask("PUT", path, {"inbound_destination": "n.in"})).json()["description"] == ""


async def test_casing_may_be_lax_and_rules_may_be_others() -> None:
    """As some clients and pages have it."""
    async with rest() as served:
        lower = served.url("/trunks").replace("/Account/", "/account/")
        assert (await served.http.get(lower)).status_code == 404
        await habits(served, lower_case_paths=True, strict_usernames=False, strict_app_names=False)
        assert (await served.http.get(lower)).status_code == 200
        user = await served.post("/credentials", {"username": "a_b", "password": "12345678"})
        made = await served.post("/Application/", {"app_name": "My Clinic", "answer_url": "https://lotus.in"})
        await served.post(f"/numbers/%2B{NUMBER[1:]}/application", {"application_id": made["app_id"]})
        await habits(served, delete_cascades=True, assign_clears_application=True)
        trunk = await served.trunk(credential_uuid=user["id"])
        await served.assign(NUMBER, trunk["trunk_id"])
        assert "application_id" not in served.account.numbers[NUMBER]
        await served.ask("DELETE", f"/trunks/{trunk['trunk_id']}")
        assert served.account.credentials == {}
