"""Buying and releasing against the carrier's stand-in, also when answers are lost. Nothing is ever sent twice."""

import pytest
from aiohttp import web
from pydantic import SecretStr

from lab.vobiz.faults import Fault
from lab.vobiz.server import FakeVobiz
from provision.errors import OutcomeUnknownError, RefusedError
from provision.number_stock.errors import (
    NotForSaleError,
    NotOwnedError,
    OfferChangedError,
    StillRoutedError,
    StillUnclearError,
)
from provision.number_stock.run import buy_number, find_offer, find_owned, opened, release_number
from provision.number_stock.stock import Stock
from provision.number_stock.trade import buy, release
from provision.number_stock.values import Bought, Offer, Released
from tests.provision.number_stock.keys import Key

NUMBER = "+918071000001"
PURCHASE = "/numbers/purchase-from-inventory"
OFFER = Offer(number=NUMBER, region="Karnataka", setup_fee=100, monthly_fee=500, currency="INR")
LOST = [
    Fault(method="POST", path=PURCHASE, status=None, after_commit=True),
    Fault(method="POST", path=PURCHASE, status=502, after_commit=True, shape="html"),
    Fault(method="POST", path=PURCHASE, status=500, after_commit=True),
    Fault(method="POST", path=PURCHASE, status=200, after_commit=True, shape="empty"),
]


def purchases(vobiz: FakeVobiz) -> int:
    return sum(path.endswith(PURCHASE) for method, path in vobiz.writes)


def releases(vobiz: FakeVobiz) -> int:
    return sum(method == "DELETE" for method, _ in vobiz.writes)


async def test_a_number_is_bought_at_the_price_that_was_shown(vobiz: FakeVobiz, key: Key):
    """And is then the account's."""
    vobiz.account.offer_number(NUMBER)
    offer = await find_offer(NUMBER, key)
    assert offer == OFFER
    assert await buy_number(offer, key) == Bought(offer=OFFER, known_by="answer")
    assert NUMBER in vobiz.account.numbers
    assert vobiz.account.balance == 10_000 - 600
    assert purchases(vobiz) == 1


@pytest.mark.parametrize("fault", LOST, ids=["cut", "502", "500", "empty"])
async def test_a_purchase_whose_answer_is_lost_is_read_back(vobiz: FakeVobiz, stock: Stock, fault: Fault):
    """It is bought once, and the account says so."""
    vobiz.account.offer_number(NUMBER)
    vobiz.faults.waiting = [fault.model_copy()]
    assert await buy(stock, OFFER, look_wait_s=0.01) == Bought(offer=OFFER, known_by="reading")
    assert purchases(vobiz) == 1
    assert vobiz.account.balance == 10_000 - 600


async def test_a_list_that_is_behind_is_read_again(vobiz: FakeVobiz, stock: Stock):
    """Before it is said that nothing was bought."""
    vobiz.account.offer_number(NUMBER)
    vobiz.account.habits.late_reads = 2
    vobiz.faults.waiting = [LOST[0].model_copy()]
    assert (await buy(stock, OFFER, look_wait_s=0.01)).known_by == "reading"
    assert purchases(vobiz) == 1


@pytest.mark.parametrize("status", [None, 503])
async def test_a_purchase_that_did_not_happen_is_not_tried_again(vobiz: FakeVobiz, stock: Stock, status):
    """Nobody can know, so a person decides."""
    vobiz.account.offer_number(NUMBER)
    vobiz.faults.waiting = [Fault(method="POST", path=PURCHASE, status=status)]
    with pytest.raises(StillUnclearError, match="the account does not have it now") as unclear:
        await buy(stock, OFFER, look_wait_s=0.01)
    assert isinstance(unclear.value, OutcomeUnknownError)
    assert "run the same command again" not in str(unclear.value)
    assert "dialroom numbers list" in str(unclear.value)
    assert purchases(vobiz) == 1
    assert NUMBER not in vobiz.account.numbers


async def test_too_little_money_is_a_500_and_the_balance_explains_it(vobiz: FakeVobiz, stock: Stock):
    """As documented: "failed to purchase number"."""
    vobiz.account.offer_number(NUMBER)
    vobiz.account.balance = 12.5
    with pytest.raises(StillUnclearError) as unclear:
        await buy(stock, OFFER, look_wait_s=0.01)
    assert "HTTP 500 failed to purchase number" in str(unclear.value)
    assert "its balance is INR 12.50 and the number costs 600.00 at once" in str(unclear.value)
    assert "\n" not in str(unclear.value)


async def test_an_account_that_cannot_be_read_afterwards_is_told(vobiz: FakeVobiz, stock: Stock):
    """Both, in one line."""
    vobiz.account.offer_number(NUMBER)
    gone = Fault(method="GET", path=f"/Account/{vobiz.account.auth_id}/numbers", status=500, times=10)
    vobiz.faults.waiting = [LOST[0].model_copy(), gone]
    with pytest.raises(StillUnclearError, match=r"no clear answer .* the account cannot be read now"):
        await buy(stock, OFFER, look_wait_s=0.01)
    assert purchases(vobiz) == 1


@pytest.mark.parametrize("changed", [{"setup_fee": 200}, {"monthly_fee": 501}, {"minimum_commitment_months": 12}])
async def test_another_price_than_the_one_agreed_to_is_not_paid(vobiz: FakeVobiz, stock: Stock, changed):
    """It may change while somebody reads the question."""
    vobiz.account.offer_number(NUMBER, **changed)
    with pytest.raises(OfferChangedError, match="nothing was bought"):
        await buy(stock, OFFER)
    assert vobiz.writes == []


async def test_a_number_that_somebody_else_took_is_not_for_sale(vobiz: FakeVobiz, stock: Stock):
    """While the question was read, or in between."""
    with pytest.raises(NotForSaleError):
        await buy(stock, OFFER)
    assert vobiz.writes == []
    vobiz.account.offer_number(NUMBER)
    vobiz.faults.waiting = [Fault(method="POST", path=PURCHASE, status=404, shape="plain")]
    with pytest.raises(RefusedError, match="refused buying") as refused:
        await buy(stock, OFFER)
    assert refused.value.status == 404


async def test_a_purchase_that_is_refused_as_too_many_is_sent_again(vobiz: FakeVobiz, stock: Stock):
    """429 says that nothing was done."""
    vobiz.account.offer_number(NUMBER)
    vobiz.faults.waiting = [Fault(method="POST", path=PURCHASE, status=429, retry_after_s=0.01)]
    assert (await buy(stock, OFFER)).known_by == "answer"
    assert vobiz.account.balance == 10_000 - 600


async def test_a_number_is_released_with_a_cool_off(vobiz: FakeVobiz, key: Key):
    """The answer has the fee and when it ends; a second time nothing is sent."""
    vobiz.account.add_number(NUMBER)
    owned = await find_owned(NUMBER, key)
    released = await release_number(owned, key)
    assert (released.status, released.fee, released.known_by) == ("pending_release", 700, "answer")
    assert released.ends_at.endswith("Z")
    again = await release_number(await find_owned(NUMBER, key), key)
    assert again == Released(number=NUMBER, status="pending_release", was_before=True)
    assert releases(vobiz) == 1


@pytest.mark.parametrize("is_leaving", [False, True])
async def test_a_number_is_released_at_once(vobiz: FakeVobiz, stock: Stock, is_leaving):
    """Also in the middle of a cool-off."""
    vobiz.account.add_number(NUMBER)
    if is_leaving:
        await release(stock, NUMBER)
    released = await release(stock, NUMBER, immediate=True)
    assert (released.status, released.fee) == ("released", 700)
    assert NUMBER not in vobiz.account.numbers


@pytest.mark.parametrize("hung", ["trunk_group_id", "application_id"])
async def test_a_number_whose_calls_go_somewhere_is_kept_unless_forced(vobiz: FakeVobiz, stock: Stock, hung):
    """Checked again when it is released: somebody may have assigned it meanwhile."""
    trunk = vobiz.account.create_trunk({"name": "t", "trunk_direction": "inbound"})
    vobiz.account.applications["77"] = {"app_id": "77", "app_name": "streams"}
    vobiz.account.add_number(NUMBER, **{hung: {"trunk_group_id": trunk["trunk_id"], "application_id": "77"}[hung]})
    with pytest.raises(StillRoutedError, match="nothing was released"):
        await release(stock, NUMBER)
    assert releases(vobiz) == 0
    assert (await release(stock, NUMBER, force=True)).status == "pending_release"


async def test_what_the_account_does_not_have_is_not_released(vobiz: FakeVobiz, stock: Stock):
    """Nothing is sent."""
    with pytest.raises(NotOwnedError):
        await release(stock, NUMBER)
    assert vobiz.writes == []


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("status", [None, 500])
async def test_a_release_whose_answer_is_lost_is_read_back(vobiz: FakeVobiz, stock: Stock, immediate, status):
    """Once, whatever the fee was."""
    vobiz.account.add_number(NUMBER)
    vobiz.faults.waiting = [Fault(method="DELETE", path=f"/numbers/{NUMBER}", status=status, after_commit=True)]
    released = await release(stock, NUMBER, immediate=immediate, look_wait_s=0.01)
    assert released == Released(
        number=NUMBER, status="released" if immediate else "pending_release", known_by="reading"
    )
    assert releases(vobiz) == 1


@pytest.mark.parametrize("is_leaving", [False, True])
async def test_a_release_that_did_not_happen_is_not_tried_again(vobiz: FakeVobiz, stock: Stock, is_leaving):
    """The cool-off of an earlier release is not taken for the immediate one."""
    vobiz.account.add_number(NUMBER)
    if is_leaving:
        await release(stock, NUMBER)
    sent = releases(vobiz)
    vobiz.faults.waiting = [Fault(method="DELETE", path=f"/numbers/{NUMBER}", status=None)]
    with pytest.raises(StillUnclearError, match="the account has it as before"):
        await release(stock, NUMBER, immediate=is_leaving, look_wait_s=0.01)
    assert releases(vobiz) == sent + 1


async def test_the_key_is_in_no_message():
    """Even when the server says it: in refusals, in lost answers, and in what is read afterwards."""
    token = "a-very-secret-token"

    async def answered(request: web.Request) -> web.Response:
        if request.path.endswith("/inventory/numbers"):
            row = {"e164": NUMBER, "setup_fee": 100, "monthly_fee": 500, "currency": "INR"}
            return web.json_response({"items": [row], "total": 1})
        status = 500 if request.method == "POST" else 403
        return web.json_response({"error": token, "message": f"{token} is wrong"}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        secret = Key(vobiz_base_url=url, vobiz_auth_id="MA_1", vobiz_auth_token=SecretStr(token))
        async with opened(secret) as account:
            with pytest.raises(StillUnclearError) as unclear:
                await buy(account, Offer(number=NUMBER, setup_fee=100, monthly_fee=500, currency="INR"))
            with pytest.raises(RefusedError) as refused:
                await release(account, NUMBER)
    finally:
        await runner.cleanup()
    assert "***" in str(unclear.value)
    assert token not in str(unclear.value) + str(refused.value)
