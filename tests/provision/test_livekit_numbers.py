"""The numbers behind a trunk's list: whatever forms stand there, each number once."""

from hypothesis import given
from hypothesis import strategies as st

from provision.livekit_numbers import known_as, known_numbers, livekit_forms, normal
from telephony.numbers import carrier_forms

NUMBERS = st.integers(8071000000, 8071009999).map(lambda last: f"+91{last}")
FORMS = st.one_of(
    NUMBERS.flatmap(lambda number: st.sampled_from(carrier_forms(number))),
    st.sampled_from(["", "anything", "+12025550100", "+44 20 7946 0958", "123"]),
)


@given(st.lists(FORMS, max_size=30))
def test_a_list_is_known_as_its_forms_are(forms: list[str]) -> None:
    """Forms that stand beside their number with a plus sign are not parsed, and nothing is different by that."""
    assert known_numbers(forms) == tuple(sorted({known_as(form) for form in forms}))


@given(st.lists(NUMBERS, max_size=30, unique=True))
def test_what_a_trunk_is_given_is_read_back(numbers: list[str]) -> None:
    """The forms that are written into a trunk lead to the numbers that they were made of."""
    written = [form for number in numbers for form in livekit_forms(number)]
    assert known_numbers(written) == tuple(sorted(numbers))


def test_separators_do_not_matter() -> None:
    """As livekit/protocol compares."""
    assert normal("(+91) 80-7100 0001") == "+918071000001"
    assert normal("918071000001") == "+918071000001"
    assert normal("80.71") == "80.71"
