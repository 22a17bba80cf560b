"""provision/secret.py: what stands for a password in public, and what is taken out of the words of others."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from livekit import api
from pydantic import SecretStr

from provision.secret import fingerprint, masked, quoted

SECRET = 'Qx7rT9mK2w/+="<&%\\Zb4Lp8Nd6'


def test_a_fingerprint_is_that_of_one_deployment() -> None:
    """Short, the same for the same password, and "" for none."""
    assert fingerprint("one", SECRET) == fingerprint("one", SecretStr(SECRET))
    assert fingerprint("one", SECRET) != fingerprint("two", SECRET)
    assert len(fingerprint("one", SECRET)) == 10
    assert fingerprint("one", "") == ""


@pytest.mark.parametrize(
    "encode",
    [
        str,
        repr,
        html.escape,
        json.dumps,
        lambda secret: json.dumps(json.dumps(secret)),
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(quote(secret, safe=""), safe=""),
    ],
)
def test_a_secret_is_masked_in_every_dress(encode: Callable[[str], str]) -> None:
    """Its letters and digits are gone, the words around it stay."""
    told = masked(f"refused: {encode(SECRET)} is too weak", [SecretStr("other-secret-of-mine"), SECRET])
    assert "Qx7rT9mK2w" not in told
    assert "Zb4Lp8Nd6" not in told
    assert told.startswith("refused: ")
    assert told.endswith(" is too weak")


def test_a_short_secret_is_masked_as_a_whole() -> None:
    """Its parts may be words of every day."""
    assert masked("password ab-12-cd refused, ab is no word", ["ab-12-cd"]) == "password *** refused, ab is no word"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    """And an empty secret is none."""
    assert masked("the password is too short", ["", SECRET]) == "the password is too short"


def test_a_token_of_livekit_is_masked() -> None:
    """It opens as much as the secret, for a while."""
    token = api.AccessToken("APIkey", "secret-of-thirty-two-characters-").with_identity("x").to_jwt()
    assert masked(f"Authorization: Bearer {token}; refused", []) == "Authorization: Bearer ***; refused"


def test_what_is_quoted_is_one_short_line() -> None:
    """A server's words cannot move the terminal's cursor, and a page of them is no message."""
    assert quoted("one\ntwo\x1b[2J\x9b three", []) == "one two [2J  three"
    assert len(quoted("x" * 5000, [])) == 300
