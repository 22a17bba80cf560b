"""Numbers, questions and outcomes as a person reads them."""

import json

from provision.number_stock.render import (
    buying_question,
    releasing_question,
    render_bought,
    render_found,
    render_owned,
    render_released,
)
from provision.number_stock.values import Bought, Found, Offer, Owned, Released

OFFER = Offer(number="+918071000001", region="Karnataka", setup_fee=100, monthly_fee=500, currency="INR")
OWNED = Owned(number="+918071000001", region="Karnataka", trunk="t", monthly_fee=500, currency="INR")


def test_numbers_are_a_table_with_their_sum():
    """By currency, since there may be several."""
    free = Owned(number="+912261000003", monthly_fee=2.5, currency="USD", blockers=("trial numbers take no calls",))
    unknown = Owned(number="+912261000004", application="streams")
    assert render_owned([OWNED, free, unknown]) == (
        "NUMBER         HANGS ON             A MONTH     REGION     BLOCKERS\n"
        "+918071000001  trunk t              500.00 INR  Karnataka\n"
        "+912261000003  nothing              2.50 USD               trial numbers take no calls\n"
        "+912261000004  application streams  not told\n"
        "\n"
        "3 numbers, 500.00 INR + 2.50 USD a month.\n"
    )
    assert render_owned([]) == "The account has no numbers.\n"


def test_offers_are_a_table_with_both_prices():
    """And what comes with them."""
    bound = Offer(number="+919200000001", setup_fee=0, monthly_fee=1000, currency="INR", needs_aadhaar=True)
    assert render_found(Found(offers=(OFFER, bound), has_more=True)) == (
        "NUMBER         SETUP       A MONTH       REGION\n"
        "+918071000001  100.00 INR  500.00 INR    Karnataka\n"
        "+919200000001  0.00 INR    1,000.00 INR             "
        "takes calls only after Aadhaar verification in the console\n"
        "\n"
        "There are more: search closer, or with a higher --limit.\n"
    )
    assert render_found(Found(offers=(), has_more=False)) == "Nothing in the inventory fits.\n"


def test_the_buyer_sees_the_price_and_the_conditions():
    """Before being asked."""
    assert buying_question(OFFER) == (
        "+918071000001 (Karnataka): setup 100.00 INR, then 500.00 INR a month, taxes extra; paid from the balance.\n"
        "Buy it?"
    )
    bound = Offer(number="+919200000001", commitment_months=1, voice=False)
    assert "Mind: taken for at least 1 month.\nMind: takes no voice calls.\n" in buying_question(bound)


def test_who_releases_hears_of_fee_and_cool_off():
    """And of the calls that end."""
    usual = releasing_question(OWNED)
    assert "a release fee is charged at once" in usual
    assert "It hangs on trunk t: callers will not get through any more." in usual
    assert "For 24 hours the release can be cancelled in the console, which gives the fee back" in usual
    assert usual.endswith("\nRelease it?")
    at_once = releasing_question(Owned(number="+918071000001", commitment_months=3), immediate=True)
    assert "It is gone at once; nobody can undo that." in at_once
    assert "It was taken for at least 3 months." in at_once
    assert "24 hours" not in at_once


def test_outcomes_say_how_they_are_known():
    """An answer that was lost has no fee."""
    assert render_bought(Bought(offer=OFFER, known_by="answer")).startswith("+918071000001 is yours. Put it")
    assert "the account has it" in render_bought(Bought(offer=OFFER, known_by="reading"))
    pending = Released(number="+918071000001", status="pending_release", fee=700, ends_at="2026-11-24T10:00:00Z")
    assert render_released(pending) == (
        "+918071000001 is being released; until 2026-11-24T10:00:00Z that can be cancelled in the console."
        " Release fee: 700.00.\n"
    )
    gone = Released(number="+918071000001", status="released", known_by="reading")
    assert render_released(gone) == (
        "+918071000001 is released and gone. The carrier's answer was lost, so the fee is not known.\n"
    )
    before = Released(number="+918071000001", status="pending_release", was_before=True)
    assert "nothing was sent" in render_released(before)


def test_values_are_json():
    """For programs."""
    for value in (
        OWNED,
        OFFER,
        Found(offers=(OFFER,), has_more=False),
        Bought(offer=OFFER, known_by="answer"),
        Released(number="+918071000001", status="released"),
    ):
        told = json.loads(json.dumps(value.to_dict()))
        assert "+918071000001" in json.dumps(told)
