"""Signatures: the carrier's are believed, everything else is not, and nothing raises."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.vobiz.calls.callbacks import signatures
from stream.errors import TokensMissingError
from stream.signature import Tokens, Valid, check_signature

URL = "https://voice.example.in/answer/3f2a"
ACCOUNT, PARENT = "account-token", "parent-token"
NONCE, OTHER_NONCE = "05429567804466091622", "11112222333344445555"
TOKENS = Tokens(account=ACCOUNT)
BOTH = Tokens(account=ACCOUNT, parent=PARENT)
Lines = list[tuple[str, str]]


def signed(version: str, token: str, *, url: str = URL, nonce: str = NONCE, between: str | None = None) -> str:
    between = {"V2": "", "V3": "."}[version] if between is None else between
    digest = hmac.new(token.encode(), f"{url}{between}{nonce}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def lines(version: str = "V3", token: str = ACCOUNT, *, parent: str = "", nonce: str = NONCE, url: str = URL) -> Lines:
    """Return a signature, with one of the parent's or not."""
    own = [(f"X-Vobiz-Signature-{version}", signed(version, token, url=url, nonce=nonce))] if token else []
    mas = [(f"X-Vobiz-Signature-MA-{version}", signed(version, parent, url=url, nonce=nonce))] if parent else []
    return [*own, *mas, (f"X-Vobiz-Signature-{version}-Nonce", nonce)]


def test_the_stand_ins_signatures_are_valid():
    """Both versions share a nonce there."""
    headers = signatures(f"{URL}?x=1", ACCOUNT)
    assert check_signature(headers.items(), URL, TOKENS) == Valid((headers["X-Vobiz-Signature-V3-Nonce"],))


@pytest.mark.parametrize("version", ["V2", "V3"])
def test_one_version_is_enough(version):
    """Names in any case of letters, the query left out."""
    assert check_signature(lines(version), URL, TOKENS) == Valid((NONCE,))
    assert check_signature(lines(version), f"{URL}?a=1?b", TOKENS) == Valid((NONCE,))
    lower = [(name.lower(), value) for name, value in lines(version)]
    assert check_signature(lower, URL, TOKENS) == Valid((NONCE,))


def test_every_nonce_that_is_signed_is_told():
    """Otherwise a replay with one of the two versions would look new."""
    both = lines("V2") + lines("V3", nonce=OTHER_NONCE)
    assert check_signature(both, URL, TOKENS) == Valid((NONCE, OTHER_NONCE))


def test_a_wrong_version_beside_a_right_one_tells_no_nonce():
    """It proves nothing, and spoils nothing."""
    mixed = lines("V2", "somebody-else") + lines("V3", nonce=OTHER_NONCE)
    assert check_signature(mixed, URL, TOKENS) == Valid((OTHER_NONCE,))


@pytest.mark.parametrize("version", ["V2", "V3"])
def test_the_parents_signature_counts_with_the_parents_token(version):
    """The nonce's header is the account's."""
    given_lines = lines(version, "sub-account", parent=PARENT)
    assert check_signature(given_lines, URL, Tokens(parent=PARENT)) == Valid((NONCE,))
    assert check_signature(lines(version, "", parent=PARENT), URL, BOTH) == Valid((NONCE,))
    assert check_signature(lines(version, "", parent="another"), URL, BOTH) == "wrong"


def test_another_sub_account_is_not_believed_for_its_parents_sake():
    """Where the account's own token is known, its own signature decides."""
    assert check_signature(lines("V3", ACCOUNT, parent=PARENT), URL, BOTH) == Valid((NONCE,))
    assert check_signature(lines("V3", "sibling", parent=PARENT), URL, BOTH) == "wrong"


def test_tokens_are_not_exchanged():
    """The account's token signs no MA header, the parent's no other."""
    assert check_signature(lines("V3", "", parent=ACCOUNT), URL, BOTH) == "wrong"
    assert check_signature(lines("V3", PARENT), URL, BOTH) == "wrong"


def test_a_signature_that_no_token_can_check_is_wrong():
    """It is not missing."""
    assert check_signature(lines("V3", "", parent=PARENT), URL, TOKENS) == "wrong"
    assert check_signature(lines("V3"), URL, Tokens(parent=PARENT)) == "wrong"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Content-Type", "text/plain")],
        [("X-Vobiz-Signature-V3-Nonce", NONCE)],
        [("X-Vobiz-Signature", base64.b64encode(hmac.new(b"account-token", URL.encode(), "sha1").digest()).decode())],
    ],
)
def test_without_a_signature_it_is_missing(headers):
    """SHA-1 is none, nor is a nonce alone."""
    assert check_signature(headers, URL, BOTH) == "missing"


def test_nothing_of_a_request_can_be_changed():
    """Not the address, the nonce, the version or the key."""
    (_, right), (_, nonce) = lines()
    name, nonce_name = "X-Vobiz-Signature-V3", "X-Vobiz-Signature-V3-Nonce"
    assert check_signature([(name, right), (nonce_name, nonce)], URL + "/", TOKENS) == "wrong"
    assert check_signature([(name, right), (nonce_name, nonce)], URL.replace("https", "http"), TOKENS) == "wrong"
    assert check_signature([(name, right), (nonce_name, OTHER_NONCE)], URL, TOKENS) == "wrong"
    assert check_signature([(name, right)], URL, TOKENS) == "wrong"
    assert check_signature([(name, right.rstrip("=")), (nonce_name, nonce)], URL, TOKENS) == "wrong"
    assert check_signature([(name, right.lower()), (nonce_name, nonce)], URL, TOKENS) == "wrong"
    v2 = "X-Vobiz-Signature-V2"
    assert check_signature([(v2, right), (f"{v2}-Nonce", nonce)], URL, TOKENS) == "wrong"
    assert check_signature(lines(token="another"), URL, TOKENS) == "wrong"


@pytest.mark.parametrize("nonce", ["", "1" * 19, "1" * 21, NONCE + "\n", "٣" * 20, "x" * 20, "1" * 100_000])
def test_a_nonce_has_twenty_digits(nonce):
    """However well it is signed."""
    assert check_signature(lines(nonce=nonce), URL, TOKENS) == "wrong"


def test_the_address_cannot_lend_digits_to_the_nonce():
    """With V2 nothing stands between them."""
    other = lines("V2", url=f"{URL}/1", nonce=NONCE)
    moved = [(other[0][0], other[0][1]), ("X-Vobiz-Signature-V2-Nonce", f"1{NONCE}")]
    assert check_signature(moved, f"{URL}/", TOKENS) == "wrong"


@pytest.mark.parametrize("which", [0, 1])
def test_a_doubled_line_is_worth_nothing(which):
    """Two readers could choose differently."""
    twice = [*lines(), (lines()[which][0].upper(), lines()[which][1])]
    assert check_signature(twice, URL, TOKENS) == "wrong"
    assert check_signature(twice + lines("V2", nonce=OTHER_NONCE), URL, TOKENS) == Valid((OTHER_NONCE,))


_NAMES = st.sampled_from(
    [
        f"X-Vobiz-Signature{ma}-{version}{end}"
        for ma in ("", "-MA")
        for version in ("V2", "V3")
        for end in ("", "-Nonce")
    ]
)
_TEXTS = st.text(st.characters(), max_size=40)


@given(st.lists(st.tuples(_NAMES | _TEXTS, _TEXTS | st.just(NONCE))), _TEXTS)
def test_no_headers_raise(headers, url):
    """Empty ones, other alphabets, half characters: none is valid."""
    assert check_signature(headers, url, BOTH) in ("missing", "wrong")


@pytest.mark.parametrize("tokens", [{}, {"account": ""}, {"account": ACCOUNT, "parent": ""}, {"parent": ""}])
def test_an_empty_token_is_refused(tokens):
    """Anybody could sign with it."""
    with pytest.raises(TokensMissingError):
        Tokens(**tokens)


def test_tokens_are_not_shown():
    """Neither of them."""
    assert "token" not in repr(BOTH).replace("Tokens", "")
