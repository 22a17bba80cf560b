"""The month as a person reads it."""

import sys

import pytest

from provision.cost.cost import Cost, Numbers
from provision.cost.rates import Platform, Rates
from provision.cost.reckon import reckon
from provision.cost.render import render
from provision.cost.table import plain_table, rich_table
from provision.cost.traffic import Traffic

HEAD, ROWS, TOTALS = ("INR", "SIP [x]", "b"), [("numbers", "1.00", ""), ("AI", "2.00", "3.00")], [("total", "3.00", "")]


def month(**platform: float) -> Cost:
    other = Platform(name="Elsewhere", **platform) if platform else None
    traffic = Traffic(calls=1350, mean_s=200, transfer_share=0.1)
    return reckon(Numbers(sip=2, stream=1), traffic, Rates(ai_per_minute=3.2, platform_fee=4000), other)


def test_the_routes_stand_side_by_side():
    """With a total and a price for a minute, everything included."""
    lines = render(month()).splitlines()
    assert lines[0] == (
        "3 numbers, 1,350 calls of 3:20 min on average = 4,500 minutes of talk a month, 10% of them transferred"
    )
    cells = {line.split("  ")[1]: line.split() for line in lines[2:13] if line.startswith("  ")}
    assert cells["numbers"][-3:] == ["1,500.00"] * 3
    assert cells["AI"][-3:] == ["14,400.00"] * 3
    assert cells["total"][-3:] == [f"{column.total:,.2f}" for column in month().columns]
    assert cells["per minute of talk"][-3:] == [f"{column.per_minute:.2f}" for column in month().columns]


def test_rounding_and_prices_are_explained():
    """Also that taxes are extra and where the account's own prices are."""
    text = render(month())
    assert "each started 60 s counts; lengths are taken as exponentially distributed" in text
    assert "taxes are extra" in text
    assert "GET /auth/me" in text
    assert "SIP trunk saves" in text
    assert "AI's price is not given" not in text
    assert "AI's price is not given" in render(reckon(Numbers(sip=1), Traffic(calls=1), Rates()))


def test_the_break_even_is_a_sentence():
    """For each way of ours."""
    text = render(month(per_minute=5, number=500))
    assert "SIP trunk and Elsewhere cost the same at 1," in text
    assert "minutes a month: below that Elsewhere is cheaper, above it SIP trunk." in text
    assert "SIP trunk costs no more than Elsewhere at any volume." in render(month(per_minute=50, fee=90_000))
    assert "Elsewhere costs no more than SIP trunk at any volume." in render(month(per_minute=0.1))


def test_nothing_is_reckoned_from_no_calls():
    """No division by them."""
    text = render(reckon(Numbers(sip=1), Traffic(calls=0), Rates()))
    assert "Billed" not in text
    assert "saves" not in text


@pytest.mark.parametrize("draw", [plain_table, lambda *rows: rich_table(*rows, colour=False, width=80)])
def test_tables_have_every_cell_in_its_column(draw):
    """Amounts are flush right; brackets are no markup."""
    lines = [line for line in draw(HEAD, ROWS, TOTALS).splitlines() if any(char.isalnum() for char in line)]
    assert [line.split() for line in lines] == [
        ["INR", "SIP", "[x]", "b"],
        ["numbers", "1.00"],
        ["AI", "2.00", "3.00"],
        ["total", "3.00"],
    ]
    assert len({line.index(".00") for line in lines[1:]}) == 1


@pytest.mark.parametrize("colour", [False, True])
def test_colour_is_an_argument(colour):
    """Without it there is no escape sequence."""
    assert ("\x1b[" in render(month(), colour=colour)) is colour


def test_without_rich_it_is_plain_text(monkeypatch: pytest.MonkeyPatch):
    """The same cells."""
    rich = render(month())
    for name in [name for name in sys.modules if name == "rich" or name.startswith("rich.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    plain = render(month())
    assert "----" in plain
    assert plain.replace("-", "").split() == rich.replace("─", "").split()
