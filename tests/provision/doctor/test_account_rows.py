"""The carrier's answers about the account, as documented and otherwise."""

import pytest

from lab.vobiz import money
from lab.vobiz.account import Account as FakeAccount
from provision.doctor.account_rows import read_account, read_balance, read_load
from provision.doctor.facts import Account, Balance, Load, Unknown

FAKE = FakeAccount(auth_id="MA_TEST0001", auth_token="a-secret-token", concurrent_calls=3)


def test_the_account():
    """Its secret stands in the same answer and is not read."""
    account = read_account(FAKE.me())
    assert account == Account(is_trial=False, calls_limit=3, cps_limit=1, currency="INR")
    assert "a-secret-token" not in repr(account)


def test_balance_and_load():
    balance = read_balance(money.balance(FAKE, "INR"), currency="INR")
    assert balance == Balance(available=10_000.0, currency="INR", is_postpaid=False, low=100.0)
    assert read_load(money.concurrency(FAKE)) == Load(live=0, most=3)


def test_what_is_missing_is_not_told():
    assert read_account({}) == Account()
    assert read_balance({}, currency="USD") == Balance(available=None, currency="USD")
    assert read_load({}) == Load()


def test_other_words_for_the_same():
    """Numbers as texts, a null tier, a trial."""
    assert read_account({"is_trial_account": True, "pricing_tier": None, "cps_limit": "2"}) == Account(
        is_trial=True, cps_limit=2
    )
    read = read_balance({"available_balance": "12.50", "currency": "USD"}, currency="INR")
    assert read == Balance(available=12.5, currency="USD")


@pytest.mark.parametrize("body", [None, [], "text", {"cps_limit": {}, "available_balance": [], "max_concurrent": "x"}])
def test_another_form_than_documented(body):
    strange = Unknown("Vobiz answered in another form than documented")
    assert (read_account(body), read_balance(body, currency="INR"), read_load(body)) == (strange, strange, strange)
