"""The account itself: keys, paths, money, calls (D:account/*, D:api-reference/authentication)."""

from __future__ import annotations

import pytest

from tests.contracts.conftest import Carrier, opened, row


async def test_the_account_is_known_by_its_credentials(carrier: Carrier) -> None:
    """`/auth/me` also holds the secret, so it must never be logged."""
    answer = await carrier.http.get(f"{carrier.base_url}/auth/me")
    assert answer.status_code == 200
    me = row(answer)
    assert me["auth_id"] == carrier.auth_id
    assert me["pricing_tier"]["rate_per_minute"] > 0
    assert me["concurrent_calls_limit"] >= 1


@pytest.mark.parametrize(("auth_id", "auth_token"), [("", ""), (None, "wrong"), ("MA_WRONG", None)])
async def test_wrong_credentials_are_a_401(carrier: Carrier, auth_id: str | None, auth_token: str | None) -> None:
    """With a body in words."""
    keys = (carrier.auth_id if auth_id is None else auth_id, carrier.auth_token if auth_token is None else auth_token)
    async with opened(*keys, trust_env=carrier.is_real) as http:
        for path in (f"{carrier.base_url}/auth/me", f"{carrier.account}/trunks"):
            answer = await http.get(path)
            assert answer.status_code == 401
            assert set(row(answer)) & {"error", "message"}


@pytest.mark.parametrize("path", ["ACCOUNT/{}/trunks", "accounts/{}/trunks", "account/{}/Call/", "Account/{}/call/"])
async def test_the_casing_of_the_path_matters(carrier: Carrier, path: str) -> None:
    """401 or 404, depending on the family. Some clients get on with /account/ for trunks, so that is not asked."""
    answer = await carrier.http.get(f"{carrier.base_url}/{path.format(carrier.auth_id)}")
    assert answer.status_code in (401, 404)


async def test_the_balance_is_told_by_currency(carrier: Carrier) -> None:
    """As a number."""
    answer = await carrier.http.get(f"{carrier.account}/balance/INR")
    assert answer.status_code == 200
    assert isinstance(row(answer)["available_balance"], (int, float))


async def test_live_and_queued_calls_are_lists_of_ids(carrier: Carrier) -> None:
    """One without a slash, one with."""
    for path in ("Call?status=live", "Call/?status=queued"):
        answer = await carrier.http.get(f"{carrier.account}/{path}")
        assert answer.status_code == 200
        assert isinstance(row(answer)["calls"], list)


async def test_concurrency_says_how_many_calls_there_may_be(carrier: Carrier) -> None:
    """And how many there are."""
    body = await carrier.listed("concurrency")
    assert 0 <= body["concurrent_calls"] <= body["max_concurrent"]


async def test_call_records_have_an_envelope_of_their_own(carrier: Carrier) -> None:
    """`data` and `pagination`."""
    body = await carrier.listed("cdr", page=1, per_page=5)
    assert body["success"] is True
    assert len(body["data"] or []) == body["count"]
    assert {"page", "per_page", "total", "pages"} <= set(body["pagination"])
