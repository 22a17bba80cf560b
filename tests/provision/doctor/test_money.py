"""Balance, channels, calls per second."""

from dataclasses import replace

import pytest

from provision.doctor.facts import Account, Balance, Load, Unknown
from provision.doctor.money import check_money, expected_calls
from tests.provision.doctor.pure import GOOD, found, manifest, told

NOBODY = Unknown("nobody was asked")


def rupees(available: float | None, **fields) -> Balance:
    return Balance(available=available, currency="INR", **fields)


def many(count: int):
    first = 918071000000
    return manifest(f'{{ range: {{ first: "+{first}", last: "+{first + count - 1}" }}, route: {{ agent: anna }} }}')


@pytest.mark.parametrize(
    ("balance", "level", "words"),
    [
        (rupees(5000), "ok", "5,000.00 INR are available"),
        (rupees(0), "error", "the carrier refuses calls"),
        (rupees(-12.5), "error", "-12.50 INR are available"),
        (rupees(99, low=100), "warning", "less than the account's own 100.00 INR"),
        (rupees(499), "warning", "1 number of the manifest cost a month (500.00 INR as documented)"),
        (Balance(available=6, currency="USD"), "ok", "6.00 USD"),
        (rupees(-900, is_postpaid=True), "ok", "postpaid"),
        (rupees(None), "skipped", "the API does not tell it"),
        (NOBODY, "skipped", "nobody was asked"),
    ],
)
def test_balance(balance, level, words):
    """Against nothing, the account's own threshold, and a month of the manifest's numbers."""
    (finding, _, _) = found(check_money, balance=balance)
    assert (finding.code.value, finding.level) == ("balance", level)
    assert words in finding.sentence
    assert bool(finding.mend) is (level in ("error", "warning"))


@pytest.mark.parametrize(
    ("limit", "live", "level"),
    [
        (3, 0, "ok"),
        (3, None, "ok"),
        (10, 7, "ok"),
        (10, 8, "warning"),
        (3, 3, "error"),
        (3, 4, "error"),
        (0, 0, "error"),
        (None, None, "skipped"),
    ],
)
def test_channels(limit, live, level):
    """A full account refuses the next caller."""
    given = {"account": Account(calls_limit=limit), "load": Load(live=live)}
    assert told(found(check_money, **given))[1] == ("channels", level)


@pytest.mark.parametrize(
    ("account", "load", "level"),
    [
        (Account(), Load(live=1, most=5), "ok"),
        (NOBODY, Load(live=5, most=5), "error"),
        (Account(calls_limit=5), NOBODY, "ok"),
        (NOBODY, NOBODY, "skipped"),
        (Account(), NOBODY, "skipped"),
    ],
)
def test_channels_are_told_in_two_places(account, load, level):
    assert told(found(check_money, account=account, load=load))[1] == ("channels", level)


@pytest.mark.parametrize(
    ("count", "expected", "wanted"), [(1, None, 1), (10, None, 1), (11, None, 2), (1000, None, 100), (1000, 7, 7)]
)
def test_expected_calls(count, expected, wanted):
    """A tenth of the numbers, unless somebody knows better."""
    assert expected_calls(replace(GOOD, manifest=many(count), expected_calls=expected)) == wanted


def test_channels_against_the_manifest():
    """More numbers than the account can carry."""
    finding = found(check_money, manifest=many(40))[1]
    assert finding.level == "warning"
    assert finding.sentence == (
        "The account may have 3 calls at once and has 0; with 40 numbers, 4 at once are likely."
    )
    assert found(check_money, manifest=many(40), expected_calls=3)[1].level == "ok"
    assert "8 at once are expected" in found(check_money, expected_calls=8)[1].sentence


@pytest.mark.parametrize(
    ("limit", "expected", "level"),
    [(1, None, "ok"), (1, 60, "ok"), (1, 61, "warning"), (2, 61, "ok"), (0, None, "error"), (None, None, "skipped")],
)
def test_calls_per_second(limit, expected, level):
    """All expected calls may begin within a minute."""
    findings = found(check_money, account=Account(calls_limit=100, cps_limit=limit), expected_calls=expected)
    assert told(findings)[2] == ("calls_per_second", level)


def test_calls_per_second_of_an_account_that_was_not_read():
    assert found(check_money, account=NOBODY)[2].sentence == "Not looked at: nobody was asked."
