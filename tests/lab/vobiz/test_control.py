"""The lab's own paths: state, log, calls, and processes that die at a request of the test's choice."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from lab.vobiz.state import dump, load
from tests.lab.vobiz.test_main import ready_line, started
from tests.lab.vobiz.world import NUMBER, Rest, new_account, rest

_CLIENT = """
import sys, urllib.request
url, key, token, count = sys.argv[1:]
for index in range(int(count)):
    request = urllib.request.Request(url, data=b'{"name": "trunk"}', method="POST")
    for name, value in (("X-Auth-ID", key), ("X-Auth-Token", token), ("Content-Type", "application/json")):
        request.add_header(name, value)
    sys.stdin.readline()
    urllib.request.urlopen(request).read()
    print(index, flush=True)
"""


@asynccontextmanager
async def client(served: Rest, count: int = 3) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that creates trunks, one per line of its input."""
    keys = (served.account.auth_id, served.account.auth_token)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CLIENT,
        served.url("/trunks"),
        *keys,
        str(count),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"no_proxy": "*"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_log_has_every_request_and_counts_writes() -> None:
    """Refused ones too; those of the lab are not in it."""
    async with rest() as served:
        await served.trunk()
        await served.ask("POST", "/trunks", {})
        await served.get("/trunks", limit=5)
        log = await served.get("/lab/log")
        assert [(entry["method"], entry["status"]) for entry in log["requests"]] == [
            ("POST", 201),
            ("POST", 400),
            ("GET", 200),
        ]
        assert (log["count"], log["writes"], log["committed"]) == (3, 2, 1)
        assert log["requests"][2]["query"] == "limit=5"
        assert all(entry["took_ms"] >= 0 for entry in log["requests"])
        await served.ask("DELETE", "/lab/log")
        assert (await served.get("/lab/log"))["count"] == 0


async def test_the_state_can_be_taken_out_and_put_back() -> None:
    """Everything that the account owns, where its numbers point too; nobody's keys."""
    account = new_account(NUMBER, "+918071000002")
    account.offer_number("+918072000001")
    async with rest(account) as served, rest(new_account("+918071000009")) as other:
        trunk = await served.trunk()
        await served.assign(NUMBER, trunk["trunk_id"])
        await served.post("/origination-uris", {"name": "x", "sip_uri": "sip:h", "priority": 1})
        await served.post("/Application/", {"app_name": "x", "answer_url": "https://lotus.in"})
        state = await served.get("/lab/state")
        assert account.auth_token not in json.dumps(state)
        sizes = (await other.ask("PUT", "/lab/state", state)).json()
        assert (sizes["trunks"], sizes["numbers"], sizes["inventory"], sizes["uris"]) == (1, 2, 1, 1)
        assert (await other.get("/numbers", search=NUMBER[1:]))["items"][0]["trunk_group_id"] == trunk["trunk_id"]
        assert (await other.ask("DELETE", f"/trunks/{trunk['trunk_id']}")).status_code == 204
        assert "trunk_group_id" not in other.account.numbers[NUMBER]
        assert "trunk_group_id" in account.numbers[NUMBER]
        before = json.dumps(dump(account))
        load(account, dump(account))
        assert json.dumps(dump(account)) == before


@pytest.mark.parametrize("body", [{"trunk": {}}, {"trunks": []}, {"numbers": {"+918071000001": 1}}])
async def test_a_state_that_is_none_changes_nothing(body: dict[str, object]) -> None:
    """It is refused in words."""
    async with rest() as served:
        before = dump(served.account)
        assert (await served.ask("PUT", "/lab/state", {"balance": 1} | body)).status_code == 400
        assert dump(served.account) == before


async def test_numbers_are_added_while_it_runs() -> None:
    """Owned ones, in any form, and ones to buy."""
    async with rest(new_account()) as served:
        given = {
            "owned": ["08071000001", {"e164": "+918071000002", "is_blocked": True}],
            "inventory": ["+918072000001"],
        }
        assert await served.post("/lab/numbers", given) == {"owned": 2, "inventory": 1}
        assert [item["is_blocked"] for item in (await served.get("/numbers"))["items"]] == [False, True]
        assert (await served.ask("POST", "/lab/numbers", {"owned": ["reception"]})).status_code == 400


async def test_a_call_can_stand_in_the_state_only() -> None:
    """Enough for what a live call forbids."""
    async with rest() as served:
        trunk = await served.trunk()
        path = f"/trunks/{trunk['trunk_id']}"
        call = await served.post("/lab/calls", {"trunk_id": trunk["trunk_id"]})
        assert (await served.get("/Call", status="live"))["calls"] == [call["call_uuid"]]
        assert (await served.ask("DELETE", path)).status_code == 409
        assert (await served.ask("DELETE", "/lab/calls")).json() == {"ended": 1}
        assert (await served.ask("DELETE", path)).status_code == 204


@pytest.mark.parametrize("place", ["before", "after", "hold"])
@pytest.mark.parametrize("request_number", [1, 3])
async def test_a_process_is_killed_at_the_request_that_was_named(place: str, request_number: int) -> None:
    """Its write is done or not, as the place says; it never has the answer."""
    async with rest() as served, client(served) as process:
        order = {"request": request_number, "place": place, "pid": process.pid, "hold_s": 0.05}
        told = await served.post("/lab/kill_at", order)
        assert told["waiting"]["left"] == request_number
        output, _ = await process.communicate(b"\n\n\n")
        assert process.returncode == -signal.SIGKILL
        assert len(output.split()) == request_number - 1
        assert len(served.account.trunks) == request_number - (place == "before")
        (moment,) = (await served.get("/lab/kill_at"))["reached"]
        assert (moment["n"], moment["place"], moment["killed"]) == (request_number, place, True)
        assert moment["committed"] is (place != "before")
        assert (await served.ask("POST", "/trunks", {"name": "after"})).status_code == 201


async def test_only_writes_may_count_and_nobody_need_die() -> None:
    """Without a process the connection is cut."""
    async with rest() as served:
        await served.post("/lab/kill_at", {"request": 2, "place": "after", "of": "writes"})
        await served.get("/trunks")
        await served.trunk()
        await served.get("/trunks")
        with pytest.raises(httpx2.HTTPError):
            await served.trunk()
        assert len(served.account.trunks) == 2
        assert (await served.get("/lab/kill_at"))["reached"][0]["killed"] is False


async def test_an_order_can_be_taken_back_and_must_make_sense() -> None:
    """Process 1 is nobody's."""
    async with rest() as served:
        for wrong in (
            {"request": 0, "place": "after"},
            {"request": 1, "place": "x"},
            {"request": 1, "place": "after", "pid": 1},
        ):
            assert (await served.ask("POST", "/lab/kill_at", wrong)).status_code == 400
        await served.post("/lab/kill_at", {"request": 1, "place": "before"})
        assert (await served.ask("DELETE", "/lab/kill_at")).json()["waiting"] is None
        await served.trunk()


async def test_the_command_line_has_habits_inventory_state_and_calls(tmp_path: Path) -> None:
    """The ready line says where calls are taken."""
    async with rest() as served:
        await served.trunk()
        path = tmp_path / "state.json"
        path.write_text(json.dumps(await served.get("/lab/state")))
    arguments = ("--state", str(path), "--number", "+918071000002", "--inventory", "+918072000001")
    more = ("--habit", "create_status=200", "--habit", "refer=relay", "--sip", "127.0.0.9:0", "--concurrent-calls", "3")
    async with started(*arguments, *more) as process:
        ready = await ready_line(process)
        host, _, port = ready["sip"].rpartition(":")
        assert host == "127.0.0.9"
        assert int(port) > 0
        async with httpx2.AsyncClient(trust_env=False) as http:
            state = (await http.get(f"{ready['control_url']}/lab/state")).json()
            habits = (await http.get(f"{ready['control_url']}/lab/habits")).json()
    assert (len(state["trunks"]), len(state["numbers"]), len(state["inventory"])) == (1, 2, 1)
    assert (habits["create_status"], habits["refer"]) == (200, "relay")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--habit", "coffee=1"), 2),
        (("--sip", "127.0.0.9"), 2),
        (("--sip", "203.0.113.1:0"), 1),
        (("--state", "/nowhere.json"), 2),
    ],
)
async def test_what_cannot_be_started_is_one_line(arguments: tuple[str, ...], code: int) -> None:
    """No traceback."""
    async with started(*arguments) as process:
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert (process.returncode, errors.count(b"\n")) == (code, 1)
