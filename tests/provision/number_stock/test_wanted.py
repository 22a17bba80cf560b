"""What is asked and what fits: prefixes, digits, places."""

import pytest

from provision.number_stock.values import Offer
from provision.number_stock.wanted import Wanted
from telephony.errors import UserError

BANGALORE = Offer(number="+918071000001", region="Karnataka")
MUMBAI = Offer(number="+912261000001", region="Maharashtra")


@pytest.mark.parametrize("prefix", ["80", "080", "0 80", "+9180", "+91 80"])
def test_a_prefix_may_be_written_as_people_write_it(prefix):
    """The carrier is asked for the digits; where they stand is checked here."""
    wanted = Wanted(prefix=prefix)
    assert wanted.query() == {"country": "IN", "search": "9180"}
    assert wanted.fits(BANGALORE)
    assert not wanted.fits(Offer(number="+912291800001"))


def test_of_prefix_and_digits_the_longer_one_is_asked():
    """And both must hold."""
    wanted = Wanted(prefix="80", contains="710000")
    assert wanted.query()["search"] == "710000"
    assert wanted.fits(BANGALORE)
    assert not wanted.fits(Offer(number="+912271000001"))
    assert not wanted.fits(Offer(number="+918081234567"))


@pytest.mark.parametrize("area", ["Karnataka", "karna", "Bangalore", "bengaluru"])
def test_an_area_is_the_carriers_region_or_the_city_of_the_area_code(area):
    """The API has no filter for it."""
    assert Wanted(area=area).query() == {"country": "IN"}
    assert Wanted(area=area).fits(BANGALORE)
    assert not Wanted(area=area).fits(MUMBAI)


def test_prefixes_can_be_left_out():
    """As the API wants them, commas between."""
    wanted = Wanted(exclude=("80", "+9192"))
    assert wanted.query() == {"country": "IN", "exclude": "9180,9192"}
    assert wanted.fits(MUMBAI)
    assert not wanted.fits(BANGALORE)


def test_nothing_wanted_is_everything():
    """In India."""
    assert Wanted().query() == {"country": "IN"}
    assert Wanted().fits(MUMBAI)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"country": "XX"}, "'XX' is no country"),
        ({"prefix": "Pune"}, "'Pune' has other characters"),
        ({"prefix": "0"}, "no beginning of a number"),
        ({"contains": "7x"}, "'7x' has other characters"),
        ({"exclude": ("80", "+")}, "no beginning of a number"),
    ],
)
def test_texts_that_nothing_can_be_looked_for_with(given, words):
    """Before anything is asked."""
    with pytest.raises(UserError, match=words):
        Wanted(**given)
