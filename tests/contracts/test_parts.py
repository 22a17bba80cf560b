"""What trunks and numbers are made with: credentials, ip-acl, origination URIs, Applications."""

from __future__ import annotations

import secrets

import pytest

from tests.contracts.conftest import Carrier, new_name, row


async def test_a_credential_never_shows_its_password(carrier: Carrier) -> None:
    """Made beside the trunks, listed below them; a second one of the same name is a 409."""
    if carrier.is_real:
        pytest.skip("a username cannot begin with dialroom-contract-")
    body = {"username": f"lotus{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
    answer = await carrier.make("credentials", body)
    assert answer.status_code in (200, 201)
    assert row(answer)["realm"] == f"{carrier.auth_id}.sip.vobiz.ai"
    assert body["password"] not in answer.text
    listed = await carrier.listed("trunks/credentials", limit=100)
    assert [made["username"] for made in listed["objects"]] == [body["username"]]
    again = await carrier.make("credentials", body)
    assert (again.status_code, row(again)["code"]) == (409, 409)


async def test_an_origination_uri_comes_back_under_other_names(carrier: Carrier) -> None:
    """sip_uri → uri, name → description; without `sip:` it is refused."""
    body = {"name": new_name(), "sip_uri": "sip:h.lotus.in:5080", "priority": 1}
    answer = await carrier.make("origination-uris", body)
    assert answer.status_code in (200, 201)
    made = row(answer)
    assert (made["uri"], made["description"], made["priority"]) == (body["sip_uri"], body["name"], 1)
    listed = await carrier.listed("trunks/origination-uris", limit=100)
    assert made["id"] in [seen["id"] for seen in listed["objects"]]
    bare = await carrier.make("origination-uris", body | {"sip_uri": "h.lotus.in"})
    assert bare.status_code == 400


async def test_an_ip_acl_takes_real_ipv4_addresses(carrier: Carrier) -> None:
    """Not those of documentation."""
    answer = await carrier.make("ip-acl", {"name": new_name(), "ip_address": "13.233.44.61"})
    assert answer.status_code in (200, 201)
    listed = await carrier.listed("trunks/ip-acl", limit=100)
    assert row(answer)["id"] in [seen["id"] for seen in listed["objects"]]
    refused = await carrier.make("ip-acl", {"name": new_name(), "ip_address": "192.0.2.1"})
    assert refused.status_code in (400, 422)


async def test_an_application_is_created_read_updated_and_deleted(carrier: Carrier) -> None:
    """Its creation answers with an id only; an update is a POST; hangup_url defaults to answer_url."""
    body = {"app_name": new_name(), "answer_url": "https://lotus.in/answer"}
    answer = await carrier.make("Application", body, key="app_id", slash="/")
    assert answer.status_code in (200, 201)
    path = f"{carrier.account}/Application/{row(answer)['app_id']}/"
    made = row(await carrier.http.get(path))
    assert (made["app_name"], made["answer_url"], made["hangup_url"]) == (
        body["app_name"],
        body["answer_url"],
        body["answer_url"],
    )
    changed = await carrier.http.post(path, json={"answer_url": "https://lotus.in/other"})
    assert changed.status_code in (200, 202)
    assert row(await carrier.http.get(path))["answer_url"] == "https://lotus.in/other"
    listed = await carrier.listed("Application/", limit=20, offset=0)
    assert {"limit", "offset", "total_count"} <= set(listed["meta"])
    assert (await carrier.http.delete(path)).status_code == 204
    assert (await carrier.http.get(path)).status_code == 404
