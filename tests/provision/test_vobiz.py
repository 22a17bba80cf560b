"""The carrier's edge: lists longer than a page, strange answers, and no key in any message."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from lab.vobiz.faults import Fault
from lab.vobiz.live import LiveCall
from lab.vobiz.server import FakeVobiz
from provision.batch import compare
from provision.errors import (
    AccessDeniedError,
    BusyError,
    FailedError,
    InUseError,
    NotAsPlannedError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
)
from provision.observed import Observed
from provision.servers import Ids
from provision.values import Application, Assignment, CarrierOutbound, CarrierTrunk, Credential, Key, Kind, key_of
from provision.vobiz import Vobiz
from provision.vobiz_json import read_error, read_page
from tests.provision.world import new_number

TOKEN = "a-very-secret-token"
TRUNK = CarrierTrunk(name="dialroom-test-in", inbound_destination="sip.lotus.in")


def client(fake: FakeVobiz, **given: Any) -> Vobiz:
    account = fake.account
    return Vobiz(fake.base_url, account.auth_id, SecretStr(account.auth_token), retry_wait_s=0, **given)


@pytest.fixture
async def carrier(vobiz: FakeVobiz) -> AsyncIterator[Vobiz]:
    async with client(vobiz) as opened:
        yield opened


@pytest.fixture
def ids() -> Ids:
    return Ids(Observed(), "test")


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[Vobiz]:
    """Yield a client of a server that answers everything in one way."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with Vobiz(url, "MA_1", SecretStr(TOKEN), retry_wait_s=0) as opened:
            yield opened
    finally:
        await runner.cleanup()


async def test_lists_are_read_to_their_end(vobiz: FakeVobiz, carrier: Vobiz):
    """More trunks and numbers than fit on three pages."""
    for index in range(205):
        vobiz.account.create_trunk({"name": f"trunk {index}", "trunk_direction": "inbound"})
        vobiz.account.add_number(new_number())
    observed = await carrier.observe()
    assert len({seen.server_id for seen in observed.objects}) == 205
    assert len({owned.number for owned in observed.owned_numbers}) == 205


async def test_an_empty_account_has_null_lists(carrier: Vobiz):
    """The real API says `"objects": null`."""
    assert await carrier.observe() == Observed()


async def test_an_outbound_trunk_is_another_kind(vobiz: FakeVobiz, carrier: Vobiz):
    """It has no inbound destination, but a credential and an address of its own."""
    made = vobiz.account.create_trunk({"name": "out", "trunk_direction": "outbound"})
    (seen,) = (await carrier.observe()).objects
    assert seen.value == CarrierOutbound(name="out", credential="")
    assert seen.address == made["trunk_domain"]


async def test_what_calls_out_is_written_and_read_back(vobiz: FakeVobiz, ids: Ids):
    """Credential and trunk; the password is sent, and is in nothing that comes back."""
    login = Credential(name="dialroomtest", fingerprint="f")
    trunk = CarrierOutbound(name="dialroom-test-out", credential=login.name, transport="tcp")
    async with client(vobiz, passwords={login.name: SecretStr("Secret-of-9-letters")}) as carrier:
        ids.add(key_of(login), await carrier.create(login, ids))
        ids.add(key_of(trunk), await carrier.create(trunk, ids))
        assert await carrier.read(ids[key_of(trunk)], Kind.CARRIER_OUTBOUND, ids) == trunk
        assert (await carrier.read(ids[key_of(login)], Kind.CREDENTIAL, ids)) == replace(login, fingerprint="")
        assert ids.addresses[trunk.name].endswith(".sip.vobiz.ai")
        seen = {s.value.name: s.stamp for s in (await carrier.observe()).objects}
        assert seen == {login.name: "test", trunk.name: "test"}
        await carrier.update(ids[key_of(login)], login, login, ids)
        await carrier.delete(ids[key_of(trunk)], trunk)
        await carrier.delete(ids[key_of(login)], login)
        assert (await carrier.observe()).objects == ()


async def test_an_application_takes_a_number_and_gives_it_back(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """Created, changed, switched from and to a trunk, deleted."""
    number = new_number()
    vobiz.account.add_number(number)
    first = Application(name="dialroom-test_app_x-1", answer_url="https://bot.lotus.in/answer")
    second = replace(first, hangup_url="https://bot.lotus.in/bye", fallback_url="https://bot.lotus.in/again")
    app_id = await carrier.create(first, ids)
    ids.add(key_of(first), app_id)
    ids.add(key_of(TRUNK), await carrier.create(TRUNK, ids))
    assert await carrier.read(app_id, Kind.APPLICATION, ids) == first
    await carrier.update(app_id, first, second, ids)
    assert await carrier.read(app_id, Kind.APPLICATION, ids) == second
    on_trunk = Assignment(name=number, trunk=TRUNK.name)
    on_application = Assignment(name=number, application=first.name)
    await carrier.create(on_trunk, ids)
    await carrier.update(number, on_trunk, on_application, ids)
    assert await carrier.read(number, Kind.ASSIGNMENT, ids) == on_application
    await carrier.update(number, on_application, on_trunk, ids)
    assert await carrier.read_all(Kind.ASSIGNMENT, ids) == {number: on_trunk}
    await carrier.delete(app_id, second)
    assert await carrier.read(app_id, Kind.APPLICATION, ids) is None


@pytest.mark.parametrize(
    ("fields", "blocker"),
    [
        ({"status": "pending_release"}, "its status is pending_release"),
        ({"is_blocked": True}, "the carrier has blocked it"),
        ({"is_trial_number": True}, "trial numbers take no calls"),
        ({"aadhaar_verification_required": True}, "its Aadhaar verification is missing"),
    ],
)
async def test_numbers_that_cannot_take_calls_say_why(vobiz: FakeVobiz, carrier: Vobiz, fields, blocker):
    """Before anything is assigned to them."""
    vobiz.account.add_number(new_number(), **fields)
    (owned,) = (await carrier.observe()).owned_numbers
    assert owned.blockers == (blocker,)


@pytest.mark.parametrize("put_style", ["merge", "replace"])
async def test_an_update_keeps_what_it_does_not_declare(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids, put_style):
    """Documents disagree on whether PUT replaces; it does not matter to us."""
    vobiz.account.put_style = put_style
    trunk_id = await carrier.create(TRUNK, ids)
    vobiz.account.trunks[trunk_id] |= {"description": "Priya's", "cps_limit": 7, "webhook_url": "https://lotus.in/h"}
    changed = CarrierTrunk(name=TRUNK.name, inbound_destination="new.lotus.in", enabled=False)
    await carrier.update(trunk_id, changed, changed, ids)
    assert await carrier.read(trunk_id, Kind.CARRIER_TRUNK, ids) == changed
    row = vobiz.account.trunks[trunk_id]
    assert (row["description"], row["cps_limit"], row["webhook_url"]) == ("Priya's", 7, "https://lotus.in/h")
    assert row["trunk_status"] == "disabled"


async def test_a_create_that_answers_200_is_as_good_as_201(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """Documents have both."""
    vobiz.create_status = 200
    trunk_id = await carrier.create(TRUNK, ids)
    assert await carrier.read(trunk_id, Kind.CARRIER_TRUNK, ids) == TRUNK


async def test_deleting_what_is_gone_is_no_error(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """Somebody was faster; also a second time."""
    trunk_id = await carrier.create(TRUNK, ids)
    await carrier.delete(trunk_id, TRUNK)
    await carrier.delete(trunk_id, TRUNK)
    assert await carrier.read(trunk_id, Kind.CARRIER_TRUNK, ids) is None


async def test_a_trunk_that_still_has_calls_is_deleted_when_they_have_ended(vobiz: FakeVobiz, ids: Ids):
    """Refused with 409 until then; longer than `calls_end_limit_s` nobody waits, and the trunk stays."""
    async with client(vobiz, calls_end_limit_s=0) as carrier:
        trunk_id = await carrier.create(TRUNK, ids)
        vobiz.account.live["1"] = LiveCall(from_number="+919800000001", to_number="+918071000001", trunk_id=trunk_id)
        with pytest.raises(InUseError, match=r"Trunk has active calls \(HTTP 409\): new calls go elsewhere already"):
            await carrier.delete(trunk_id, TRUNK)
    async with client(vobiz) as carrier:
        deleting = asyncio.create_task(carrier.delete(trunk_id, TRUNK))
        while len([write for write in vobiz.writes if write[0] == "DELETE"]) < 2:
            await asyncio.sleep(0.01)
        vobiz.account.live.clear()
        await deleting
    assert vobiz.account.trunks == {}


async def test_a_number_is_assigned_with_its_plus_sign_encoded(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """As it is, the API answers 404."""
    number = new_number()
    vobiz.account.add_number(number)
    ids.add(Key(Kind.CARRIER_TRUNK, TRUNK.name), await carrier.create(TRUNK, ids))
    assignment = Assignment(name=number, trunk=TRUNK.name)
    await carrier.create(assignment, ids)
    assert await carrier.read(number, Kind.ASSIGNMENT, ids) == assignment
    await carrier.delete(number, assignment)
    assert await carrier.read(number, Kind.ASSIGNMENT, ids) is None


async def test_a_refusal_carries_status_code_and_words(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """For whoever decides on them; the text is one line."""
    ids.add(Key(Kind.CARRIER_TRUNK, TRUNK.name), await carrier.create(TRUNK, ids))
    with pytest.raises(RefusedError) as refused:
        await carrier.create(Assignment(name="+918071099999", trunk=TRUNK.name), ids)
    error = refused.value
    assert (error.status, error.code, error.detail) == (404, "not_found", "number not found in account")
    what = "assigning +918071099999 to carrier trunk dialroom-test-in"
    assert str(error) == f"Vobiz refused {what}: number not found in account (HTTP 404)"


async def test_put_falls_back_to_patch_only_where_it_is_not_allowed(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """One page of Vobiz's documents shows PATCH."""
    trunk_id = await carrier.create(TRUNK, ids)
    vobiz.faults.waiting = [Fault(method="PUT", path=trunk_id, status=405)]
    with pytest.raises(RefusedError, match="HTTP 405"):
        await carrier.update(trunk_id, TRUNK, TRUNK, ids)
    assert [method for method, _ in vobiz.writes] == ["POST", "PUT", "PATCH"]


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_read_is_tried_three_times(vobiz: FakeVobiz, carrier: Vobiz, status):
    """Then the refusal is told."""
    vobiz.faults.waiting = [Fault(method="GET", path="/trunks", status=status, times=2)]
    await carrier.observe()
    vobiz.faults.waiting = [Fault(method="GET", path="/trunks", status=status, times=3)]
    with pytest.raises(FailedError, match=f"Vobiz's API failed .* the list of trunks .HTTP {status}: .*; try again"):
        await carrier.observe()


async def test_a_busy_carrier_is_borne_for_a_while(vobiz: FakeVobiz):
    """429 comes before anything is done, so writes are repeated too; at the limit it is told."""
    busy = Fault(method="POST", path="/trunks", status=429, times=7)
    vobiz.faults.waiting = [busy]
    async with client(vobiz) as carrier:
        await carrier.create(TRUNK, Ids(Observed(), "test"))
    assert len(vobiz.account.trunks) == 1
    busy.times = 1
    async with client(vobiz, busy_limit_s=0) as carrier:
        limited = r"limits the rate .* creating dialroom-test-in \(HTTP 429.*; try again later"
        with pytest.raises(BusyError, match=limited):
            await carrier.create(TRUNK, Ids(Observed(), "test"))


async def test_whoever_waits_for_a_busy_carrier_is_told_once(vobiz: FakeVobiz):
    """Not for each of its refusals."""
    vobiz.faults.waiting = [Fault(method="*", status=429, times=7)]
    told: list[str] = []
    async with client(vobiz, tell=told.append) as carrier:
        await carrier.observe()
    assert told == ["Vobiz limits the rate of requests (HTTP 429): waiting until it takes more"]


async def test_a_read_without_answer_is_tried_again(vobiz: FakeVobiz, carrier: Vobiz):
    """A cut connection does no harm to a read."""
    vobiz.faults.waiting = [Fault(method="GET", path="/trunks", status=None, times=2)]
    await carrier.observe()
    vobiz.faults.waiting = [Fault(method="GET", path="/trunks", status=None, times=3)]
    with pytest.raises(UnreachableError):
        await carrier.observe()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[" * 200_000, "an answer without a list"),
        ('{"objects": 5}', "an answer without a list"),
        ('{"objects": [{"trunk_id": "T"}], "items": [{"e164": "+1"}], "total": 100000000}', "has no end"),
    ],
)
async def test_lists_that_are_none_or_have_no_end(body, expected):
    """A proxy or a broken server; the account is answered as usual."""

    async def odd(request: web.Request) -> web.Response:
        text = "{}" if request.path.endswith("/auth/me") else body
        return web.Response(text=text, content_type="application/json")

    async with answering(odd) as carrier:
        with pytest.raises(UnreachableError, match=expected):
            await carrier.observe()


async def test_a_write_without_answer_has_an_unknown_outcome(vobiz: FakeVobiz, carrier: Vobiz, ids: Ids):
    """It is sent once."""
    vobiz.faults.waiting = [Fault(method="POST", path="/trunks", status=None)]
    with pytest.raises(OutcomeUnknownError):
        await carrier.create(TRUNK, ids)
    assert len(vobiz.writes) == 1


async def test_a_write_that_cannot_be_sent_did_not_happen(ids: Ids):
    """Connection refused."""
    async with Vobiz("http://127.0.0.1:1", "MA_1", SecretStr(TOKEN)) as carrier:
        with pytest.raises(UnreachableError, match="connection refused"):
            await carrier.create(TRUNK, ids)


async def test_a_key_that_is_told_back_is_not_told_on(ids: Ids):
    """Whatever a server writes into its error, the token is not in ours."""

    async def telling(request: web.Request) -> web.Response:
        return web.json_response({"message": f"bad token {request.headers['X-Auth-Token']}\nline"}, status=401)

    async with answering(telling) as carrier:
        with pytest.raises(AccessDeniedError) as refused:
            await carrier.observe()
    assert TOKEN not in str(refused.value)
    assert TOKEN not in repr(vars(refused.value))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>Welcome to the hotel Wi-Fi</html>", "content_type": "text/html"},
        {"text": "[]", "content_type": "application/json"},
        {"text": '{"auth_id": "MA_1"}', "content_type": "application/json"},
        {"text": '{"objects": [{"name": "no id"}]}', "content_type": "application/json"},
        {"text": '{"objects": ["x"]}', "content_type": "application/json"},
    ],
)
async def test_a_server_that_is_not_vobiz_is_told_and_never_taken_for_an_empty_account(answer):
    """Else the next step would create everything anew."""

    async def answered(_: web.Request) -> web.Response:
        return web.Response(**answer)

    async with answering(answered) as carrier:
        with pytest.raises(UnreachableError) as refused:
            await carrier.observe()
    assert "\n" not in str(refused.value)


async def test_a_created_trunk_without_id_has_an_unknown_outcome(ids: Ids):
    """It is there, and we do not know which one it is: it is looked for."""

    async def answered(_: web.Request) -> web.Response:
        return web.json_response({}, status=201)

    async with answering(answered) as carrier:
        with pytest.raises(OutcomeUnknownError):
            await carrier.create(TRUNK, ids)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"status": "error", "error": {"code": "TRUNK_NOT_FOUND", "message": "no trunk"}},
            ("TRUNK_NOT_FOUND", "no trunk"),
        ),
        ({"error": "not_found", "message": "no number", "api_id": "x"}, ("not_found", "no number")),
        ({"error": "Username already exists", "code": 409}, ("409", "Username already exists")),
        ({"error": "bad", "details": {"x": 1}}, ("", "bad")),
        ({"error": "conference not found", "api_id": "x"}, ("", "conference not found")),
        ({"message": "Not Found"}, ("", "Not Found")),
        ({}, ("", "")),
        (None, ("", "")),
        ([1], ("", "")),
    ],
)
def test_every_error_shape_of_the_api_is_understood(body, expected):
    """Four documented shapes, the gateway's, and none at all."""
    assert read_error(body) == expected


@pytest.mark.parametrize(
    ("body", "rows", "total"),
    [
        ({"meta": {"limit": 20, "offset": 0, "total": 3}, "objects": [1, 2]}, (1, 2), 3),
        ({"meta": {"total_count": 1}, "objects": [1], "api_id": "x"}, (1,), 1),
        ({"meta": {"total": 0}, "objects": None}, (), 0),
        ({"items": [1], "page": 1, "per_page": 25, "total": 9}, (1,), 9),
        ({"data": [1], "count": 1, "pagination": {"page": 1, "total": 4}, "success": True}, (1,), 4),
        ({"results": [1]}, (1,), None),
    ],
)
def test_every_style_of_paging_is_understood(body, rows, total):
    """Three styles, null for an empty list, and no total."""
    page = read_page(body)
    assert (page.rows, page.total) == (rows, total)


@pytest.mark.parametrize("body", [None, [], {}, {"message": "ok"}])
def test_a_body_without_a_list_is_no_empty_list(body):
    """The page of a proxy must not look like an empty account."""
    with pytest.raises(ValueError, match="without a list"):
        read_page(body)


@pytest.mark.parametrize(
    ("body", "seen", "last"),
    [
        ({"items": [1, 2], "total": 4}, 2, False),
        ({"items": [1, 2], "total": 4}, 4, True),
        ({"items": [], "total": 4}, 2, True),
        ({"items": [1, 2]}, 2, False),
        ({"items": [1]}, 3, True),
    ],
)
def test_a_list_ends_where_its_total_says_or_a_page_is_short(body, seen, last):
    """Never endless."""
    assert read_page(body).is_last(seen=seen, asked=2) is last


def test_what_was_not_written_as_planned_is_told_without_the_secrets_of_its_url():
    """Although that is all that differs."""
    urls = [f"https://me:{secret}@bot.in/a" for secret in ("s3cret", "an0ther")]
    one, two = (Application(name="x", answer_url=url) for url in urls)
    with pytest.raises(NotAsPlannedError) as failed:
        compare(key_of(one), one, two)
    told = "answer_url is 'https://me:***@bot.in/a', with another part that is not shown"
    assert str(failed.value) == f"carrier application x is not as planned: {told}"
