"""The socket's token: opens one call until it is over, and nothing else."""

from __future__ import annotations

import base64
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.capability import SECRET_BYTES, TOKEN_LIMIT, Capabilities
from stream.errors import CapabilityError, SecretTooShortError
from stream.ids import ID_LIMIT
from telephony.errors import UserError, WorldError

CALL, OTHER = "0b57e0a4-7a3f-4bf4-8b3e-6b6d3a2f9c11", "0b57e0a4-7a3f-4bf4-8b3e-6b6d3a2f9c12"
ENDS_S, NOW_S = 1_800_000_000, 1_799_999_999.5
URL_SAFE = string.ascii_letters + string.digits + "-_"
HERE = Capabilities(b"s" * SECRET_BYTES)
TOKEN = HERE.token(CALL, expires_s=ENDS_S)

calls = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=ID_LIMIT)


def refused(token: str, *, now_s: float = NOW_S, capabilities: Capabilities = HERE) -> str:
    with pytest.raises(CapabilityError) as caught:
        capabilities.read(token, now_s=now_s)
    assert isinstance(caught.value, WorldError)
    assert caught.value.__cause__ is None
    return str(caught.value)


@given(calls, st.integers(1, 256**5 - 1))
def test_a_token_names_its_call_until_it_is_over(call, ends_s):
    """And fits a URL as it is."""
    token = HERE.token(call, expires_s=ends_s)
    assert HERE.read(token, now_s=ends_s - 1) == call
    assert "over" in refused(token, now_s=ends_s)
    assert set(token) <= set(URL_SAFE)
    assert len(token) <= TOKEN_LIMIT


def test_a_token_for_a_uuid_is_short():
    """76 characters."""
    assert len(HERE.token(str(uuid.uuid4()), expires_s=ENDS_S)) == 76


def test_a_token_can_be_read_again_and_again():
    """A socket that broke comes back with it; whether its call still lives is not asked here."""
    assert HERE.read(TOKEN, now_s=NOW_S) == HERE.read(TOKEN, now_s=NOW_S) == CALL


def test_every_changed_character_is_noticed():
    """Each place, each other character of the alphabet; also where a character has bits that mean nothing."""
    for call in ("a", "ab", "abc", CALL):  # three lengths of the last group
        token = HERE.token(call, expires_s=ENDS_S)
        for place in range(len(token)):
            for character in URL_SAFE + "+/=.% é":
                if character != token[place]:
                    refused(token[:place] + character + token[place + 1 :])


def test_a_missing_or_further_character_is_noticed():
    """At either end and within, padding included."""
    for place in range(len(TOKEN) + 1):
        refused(TOKEN[:place] + TOKEN[place + 1 :]) if place < len(TOKEN) else None
        for more in ("A", "=", "==", "\n", " ", "é"):
            refused(TOKEN[:place] + more + TOKEN[place:])


def test_another_calls_name_cannot_be_put_in():
    """Nor a later end."""
    signed = base64.urlsafe_b64decode(TOKEN)
    for forged in (signed.replace(CALL.encode(), OTHER.encode()), b"\xff" + signed[1:]):
        refused(base64.urlsafe_b64encode(forged).decode())
    assert HERE.read(HERE.token(OTHER, expires_s=ENDS_S), now_s=NOW_S) != CALL


def test_another_secret_makes_other_tokens():
    """Also one that differs only behind the first bytes."""
    for secret in (b"t" * SECRET_BYTES, b"s" * SECRET_BYTES + b"\1", b"s" * 64 + b"t"):
        refused(TOKEN, capabilities=Capabilities(secret))


@pytest.mark.parametrize("token", ["", "A", "AA", "A" * 21, "A" * 28, "A" * TOKEN_LIMIT, "A" * 10**6, "é", "\ud800"])
def test_what_is_no_token_is_refused(token):
    """Huge ones without reading them."""
    refused(token)


@given(st.text(st.characters(), max_size=200))
def test_no_text_raises_anything_else(text):
    """Nor opens anything."""
    refused(text)


@pytest.mark.parametrize("secret", [b"", b"s" * (SECRET_BYTES - 1)])
def test_a_short_secret_is_refused(secret):
    """As the user's mistake."""
    with pytest.raises(SecretTooShortError) as caught:
        Capabilities(secret)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize(("call", "ends_s"), [("", 1), ("x" * (ID_LIMIT + 1), 1), ("é", 1), (CALL, -1), (CALL, 256**5)])
def test_only_calls_get_tokens(call, ends_s):
    """Whatever does not fit the layout is a fault of the caller's."""
    with pytest.raises(ValueError, match="token"):
        HERE.token(call, expires_s=ends_s)
