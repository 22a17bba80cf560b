"""Numbers: every form that people and carriers write becomes one E.164 number, everything else is refused."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import UserError
from telephony.numbers import NumberError, carrier_forms, is_e164, parse_number


@pytest.mark.parametrize(
    "written",
    [
        "+918071000001",
        "918071000001",
        "08071000001",
        "8071000001",
        "00918071000001",
        "00 91 8071000001",
        "+91 80 7100 0001",
        "+91-80-71000001",
        "+91 (80) 7100.0001",
        "080 7100 0001",
        "  +918071000001 ",
    ],
)
def test_every_indian_form_of_a_landline_is_the_same_number(written):
    """Country code, trunk prefix, exit code, separators: one number."""
    assert parse_number(written) == "+918071000001"


@pytest.mark.parametrize("written", ["+919812345678", "919812345678", "09812345678", "9812345678", "00 91 98123 45678"])
def test_every_indian_form_of_a_mobile_is_the_same_number(written):
    """Mobiles have ten digits after the country code, too."""
    assert parse_number(written) == "+919812345678"


def test_a_mobile_that_begins_with_91_keeps_its_ten_digits():
    """`91…` with ten digits is a national number, not a country code."""
    assert parse_number("9180710000") == "+919180710000"


def test_numbers_of_other_countries_are_read_with_their_country_code():
    """The default region only matters for numbers without a country code."""
    assert parse_number("+1 202 555 0100") == "+12025550100"
    assert parse_number("001 202 555 0100") == "+12025550100"
    assert parse_number("(202) 555-0100", region="US") == "+12025550100"


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "hello",
        "112",
        "+91",
        "+9180710",
        "+9180710000011111",
        "+91 80 7100 0001 ext 5",
        "1800-FLOWERS",
        "tel:+918071000001",
        "sip:+918071000001@x",
        "+91+8071000001",
        "+999123456789",
        "+91 5000000000",
        "+918071000001\n",
        "8071000001;drop",
    ],
)
def test_what_is_no_number_is_refused_as_the_users_mistake(written):
    """The error is one line that shows the text and says what a number looks like."""
    with pytest.raises(NumberError) as refused:
        parse_number(written)
    assert isinstance(refused.value, UserError)
    assert refused.value.exit_code == 2
    assert refused.value.text == written
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "digits",
    [
        "\u096f\u0967\u096e\u0966\u096d\u0967\u0966\u0966\u0966\u0966\u0966\u0966\u0967",
        "\u0669\u0661\u0668\u0660\u0667\u0661\u0660\u0660\u0660\u0660\u0660\u0661",
        "\uff0b918071000001",
        "+91\uff18071000001",
        "+91\u00a08071000001",
    ],
)
def test_digits_outside_ascii_are_refused(digits):
    """Devanagari, Arabic and full-width digits look like numbers to a parser, and so does a no-break space."""
    with pytest.raises(NumberError, match="digits 0-9"):
        parse_number(digits)


def test_the_forms_of_an_indian_number_are_all_that_a_carrier_may_send():
    """LiveKit compares forms as text: every one is needed."""
    assert carrier_forms("+918071000001") == (
        "+918071000001",
        "918071000001",
        "00918071000001",
        "08071000001",
        "8071000001",
    )


def test_a_foreign_number_has_no_national_form_at_an_indian_carrier():
    """`0202…` would be another number in India."""
    assert carrier_forms("+12025550100") == ("+12025550100", "12025550100", "0012025550100")


@pytest.mark.parametrize("text", ["918071000001", "+0918071000001", "+91 8071000001", "", "+12345678901234567"])
def test_forms_are_made_of_e164_only(text):
    """Whoever has a written form parses it first."""
    assert not is_e164(text)
    with pytest.raises(NumberError):
        carrier_forms(text)


@given(st.integers(min_value=6_000_000_000, max_value=9_999_999_999))
def test_parsing_undoes_every_carrier_form(national):
    """For any number of an Indian operator, each form that a carrier may send leads back to it."""
    try:
        number = parse_number(f"+91{national}")
    except NumberError:
        return
    assert {parse_number(form) for form in carrier_forms(number)} == {number}


@given(st.text(alphabet=string.printable + "\u0966\uff11\u00a0", max_size=20))
def test_parsing_gives_e164_or_refuses(text):
    """No input leads to anything else."""
    try:
        number = parse_number(text)
    except NumberError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number, re.ASCII)
    assert parse_number(number) == number
