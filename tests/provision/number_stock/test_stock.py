"""Listing and searching against the carrier's stand-in."""

import pytest

from lab.vobiz.faults import Fault
from lab.vobiz.server import FakeVobiz
from provision.errors import AccessDeniedError, UnreachableError
from provision.number_stock.errors import NotForSaleError, NotOwnedError, StillRoutedError
from provision.number_stock.run import find_offer, find_owned, list_numbers, search_numbers
from provision.number_stock.values import Offer, Owned
from provision.number_stock.wanted import Wanted
from telephony.errors import UserError
from telephony.numbers import NumberError
from tests.provision.number_stock.keys import Key, key_of

ONE, TWO, THREE = "+918071000001", "+918071000002", "+912261000003"


async def test_numbers_are_listed_with_what_they_hang_on(vobiz: FakeVobiz, key: Key):
    """By name; with what they cost and why they take no calls."""
    account = vobiz.account
    trunk = account.create_trunk({"name": "dialroom-demo-in", "trunk_direction": "inbound"})
    account.applications["77"] = {"app_id": "77", "app_name": "streams"}
    account.add_number(TWO, application_id="77", monthly_fee=600)
    account.add_number(ONE, trunk_group_id=trunk["trunk_id"])
    account.add_number(THREE, is_blocked=True, region="Maharashtra", minimum_commitment_months=3)
    assert await list_numbers(key) == (
        Owned(
            number=THREE,
            region="Maharashtra",
            status="active",
            blockers=("the carrier has blocked it",),
            monthly_fee=500,
            currency="INR",
            commitment_months=3,
        ),
        Owned(
            number=ONE,
            region="Karnataka",
            status="active",
            trunk="dialroom-demo-in",
            monthly_fee=500,
            currency="INR",
        ),
        Owned(number=TWO, region="Karnataka", status="active", application="streams", monthly_fee=600, currency="INR"),
    )


async def test_names_are_asked_for_only_where_something_hangs(vobiz: FakeVobiz, key: Key):
    """A list of free numbers is one request."""
    vobiz.account.add_number(ONE)
    await list_numbers(key)
    assert [path.rpartition("/")[2] for _, path in vobiz.requests] == ["numbers"]


async def test_what_a_number_hangs_on_may_have_no_name(vobiz: FakeVobiz, key: Key):
    """Then its id stands there; also one that is gone."""
    vobiz.account.add_number(ONE, trunk_group_id="11111111-0000-4000-8000-000000000000")
    (owned,) = await list_numbers(key)
    assert owned.hangs_on == ("trunk 11111111-0000-4000-8000-000000000000",)


async def test_an_account_without_numbers(key: Key):
    """No numbers."""
    assert await list_numbers(key) == ()


async def test_the_inventory_is_searched_by_what_fits(vobiz: FakeVobiz, key: Key):
    """The digits of another place are no prefix; prices come along."""
    for number in (ONE, TWO):
        vobiz.account.offer_number(number)
    vobiz.account.offer_number("+912291800001", region="Maharashtra")
    vobiz.account.offer_number(THREE, setup_fee=0, monthly_fee=1000, region="Maharashtra")
    found = await search_numbers(Wanted(prefix="80"), key)
    assert [offer.number for offer in found.offers] == [ONE, TWO]
    assert not found.has_more
    found = await search_numbers(Wanted(area="Maharashtra", contains="0003"), key)
    assert found.offers == (Offer(number=THREE, region="Maharashtra", setup_fee=0, monthly_fee=1000, currency="INR"),)


async def test_a_search_reads_no_more_pages_than_it_shows(vobiz: FakeVobiz, key: Key):
    """The inventory may have tens of thousands."""
    for index in range(350):
        vobiz.account.offer_number(f"+9180711{index:05}")
    found = await search_numbers(Wanted(), key, limit=120)
    assert (len(found.offers), found.has_more) == (120, True)
    assert len(vobiz.requests) == 2
    found = await search_numbers(Wanted(contains="71100349"), key, limit=1)
    assert (len(found.offers), found.has_more) == (1, False)
    assert len((await search_numbers(Wanted(), key, limit=1000)).offers) == 350


async def test_a_limit_that_finds_nothing_is_refused(key: Key):
    """Before anything is asked."""
    with pytest.raises(UserError, match="limit of 0"):
        await search_numbers(Wanted(), key, limit=0)


@pytest.mark.parametrize("null_lists", ["objects", "all", "none"])
async def test_an_empty_inventory_has_nothing(vobiz: FakeVobiz, key: Key, null_lists):
    """Whether its list is empty or null."""
    vobiz.account.habits.null_lists = null_lists
    found = await search_numbers(Wanted(), key)
    assert (found.offers, found.has_more) == ((), False)


async def test_an_offer_is_looked_up_in_any_form(vobiz: FakeVobiz, key: Key):
    """With the conditions that come with it."""
    vobiz.account.offer_number(ONE, minimum_commitment_months=1, aadhaar_verification_required=True)
    vobiz.account.offer_number(TWO)
    offer = await find_offer("080 7100 0001", key)
    assert (offer.number, offer.setup_fee, offer.monthly_fee, offer.currency) == (ONE, 100, 500, "INR")
    assert (offer.commitment_months, offer.needs_aadhaar, offer.voice) == (1, True, True)


async def test_what_is_not_for_sale_says_why(vobiz: FakeVobiz, key: Key):
    """Not there, ours already, or without a price; the last is no purchase to agree to."""
    vobiz.account.add_number(TWO)
    vobiz.account.offer_number(THREE, monthly_fee=None)
    for number, words in ((ONE, "not in the inventory"), (TWO, "has it already"), (THREE, "does not tell its price")):
        with pytest.raises(NotForSaleError, match=words):
            await find_offer(number, key)
    with pytest.raises(NumberError):
        await find_offer("hello", key)


async def test_a_number_to_release_is_looked_up(vobiz: FakeVobiz, key: Key):
    """One that hangs on something only when that is meant; one that is leaving in any case."""
    trunk = vobiz.account.create_trunk({"name": "t", "trunk_direction": "inbound"})
    vobiz.account.add_number(ONE, trunk_group_id=trunk["trunk_id"])
    vobiz.account.add_number(TWO, status="pending_release", application_id="1")
    with pytest.raises(StillRoutedError, match=r"hangs on trunk t; .*--force"):
        await find_owned(ONE, key)
    assert (await find_owned(ONE, key, force=True)).trunk == "t"
    assert (await find_owned(TWO, key)).is_leaving
    with pytest.raises(NotOwnedError, match=r"\+912261000003"):
        await find_owned("022 6100 0003", key)


async def test_a_wrong_key_is_told_without_the_key(vobiz: FakeVobiz):
    """For every command."""
    right = key_of(vobiz)
    wrong = Key(
        vobiz_base_url=right.vobiz_base_url,
        vobiz_auth_id="MA_OTHER",
        vobiz_auth_token=right.vobiz_auth_token,
    )
    for asked in (list_numbers(wrong), search_numbers(Wanted(), wrong), find_offer(ONE, wrong), find_owned(ONE, wrong)):
        with pytest.raises(AccessDeniedError, match="VOBIZ_AUTH_TOKEN") as denied:
            await asked
        assert right.vobiz_auth_token.get_secret_value() not in str(denied.value)


async def test_an_answer_that_is_no_list_is_not_vobiz(vobiz: FakeVobiz, key: Key):
    """A proxy's page."""
    vobiz.faults.waiting = [Fault(method="GET", path="/inventory/numbers", status=200, shape="html")]
    with pytest.raises(UnreachableError, match="without a list of the inventory"):
        await search_numbers(Wanted(), key)


async def test_a_row_without_a_number_is_not_vobiz(vobiz: FakeVobiz, key: Key):
    """Everything else may be missing."""
    vobiz.account.inventory["x"] = {"country": "IN"}
    with pytest.raises(UnreachableError, match="another form than documented"):
        await search_numbers(Wanted(), key)
    vobiz.account.inventory.clear()
    vobiz.account.inventory[ONE] = {"e164": ONE.removeprefix("+"), "country": "IN"}
    (offer,) = (await search_numbers(Wanted(), key)).offers
    assert offer == Offer(number=ONE)
