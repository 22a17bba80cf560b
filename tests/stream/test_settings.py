"""stream/settings.py: the environment of the stream server."""

from __future__ import annotations

import pytest

from agent.errors import SettingMissingError
from stream.settings import FULL_SENTENCE, SEEN, URL_LIMIT, StreamSettings
from stream.signature import Tokens
from telephony.errors import UserError

SECRET = "a secret of the deployment, long enough"
ENVIRON = {"DIALROOM_STREAM_URL": "https://voice.example.in", "DIALROOM_STREAM_SECRET": SECRET}


def settings(**more: str) -> StreamSettings:
    return StreamSettings.from_environ(ENVIRON | more)


def test_two_things_have_to_be_set() -> None:
    """The rest has a sense of its own: unsigned, from anywhere, ten calls, then a sentence."""
    plain = settings()
    assert (plain.public_url, plain.secret.get_secret_value()) == ("https://voice.example.in", SECRET)
    assert (plain.tokens, plain.carrier_cidrs, plain.trusted_proxies) == (None, None, ())
    assert (plain.max_calls, plain.full_sentence, plain.full_number) == (10, FULL_SENTENCE, None)
    assert plain.seen.get_secret_value() == str(SEEN)


def test_what_is_missing_is_named_in_one_line() -> None:
    """All at once; the exit code is 2."""
    with pytest.raises(SettingMissingError) as caught:
        StreamSettings.from_environ({"DIALROOM_STREAM_URL": ""})
    assert str(caught.value).startswith("DIALROOM_STREAM_SECRET, DIALROOM_STREAM_URL are not set")
    assert caught.value.exit_code == 2


def test_signatures_need_a_token() -> None:
    """Of the account or of its parent."""
    with pytest.raises(SettingMissingError, match="VOBIZ_AUTH_TOKEN is not set"):
        settings(DIALROOM_STREAM_SIGNED="1")
    assert settings(VOBIZ_AUTH_TOKEN="account").tokens is None
    signed = settings(DIALROOM_STREAM_SIGNED="true", VOBIZ_AUTH_TOKEN="account")
    assert signed.tokens == Tokens(account="account")
    parent = settings(DIALROOM_STREAM_SIGNED="true", VOBIZ_PARENT_AUTH_TOKEN="parent")
    assert parent.tokens == Tokens(parent="parent")


@pytest.mark.parametrize(
    ("given", "public"),
    [
        ("wss://voice.example.in/", "https://voice.example.in"),
        ("https://Voice.example.in:8443/door/", "https://Voice.example.in:8443/door"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("ws://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_address_may_be_written_for_either_protocol(given: str, public: str) -> None:
    """Without TLS only on this machine; its letters stay as the carrier has them."""
    assert settings(DIALROOM_STREAM_URL=given).public_url == public


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("DIALROOM_STREAM_URL", "http://voice.example.in", "must begin with https://"),
        ("DIALROOM_STREAM_URL", "ws://127.0.0.1.example.in", "must begin with https://"),
        ("DIALROOM_STREAM_URL", "http://127.0.0.1@voice.example.in", "no user"),
        ("DIALROOM_STREAM_URL", "voice.example.in", "must be an address like"),
        ("DIALROOM_STREAM_URL", "ftp://voice.example.in", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://voice.example.in:0", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://voice.example.in:x", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://voice.example.in/a b", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://höchst.example", "must be an address like"),
        ("DIALROOM_STREAM_URL", f"https://voice.example.in/{'x' * URL_LIMIT}", "must be an address like"),
        ("DIALROOM_STREAM_URL", "https://user:pass@voice.example.in", "no user"),
        ("DIALROOM_STREAM_URL", "https://voice.example.in/?a=1", "no query"),
        ("DIALROOM_STREAM_SECRET", "x" * 31, "DIALROOM_STREAM_SECRET: is shorter than 32 bytes"),
        ("DIALROOM_STREAM_SECRET", "x" * 40 + "\n", "holds a character that no key has"),
        ("DIALROOM_STREAM_MAX_CALLS", "0", "DIALROOM_STREAM_MAX_CALLS"),
        ("DIALROOM_STREAM_FULL_NUMBER", "+918071000002", "set both or none"),
        ("DIALROOM_STREAM_FULL_CALLER_ID", "+918071000001", "set both or none"),
        ("DIALROOM_STREAM_FULL_NUMBER", "08071000002", "must be written like"),
        ("DIALROOM_STREAM_TRUSTED_PROXIES", "proxy.local", "DIALROOM_STREAM_TRUSTED_PROXIES"),
        ("DIALROOM_CARRIER_CIDRS", "13.233.44.61", "DIALROOM_CARRIER_CIDRS"),
        ("DIALROOM_CARRIER_CIDRS", "0.0.0.0/0", "almost everybody"),
    ],
)
def test_a_value_without_sense_is_named_with_its_variable(name: str, value: str, hint: str) -> None:
    """One line, exit code 2, and no key in it."""
    with pytest.raises(UserError) as caught:
        settings(**{name: value})
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "xxxxx" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_lists_are_separated_by_commas() -> None:
    """An address alone is a range of one, for a proxy."""
    given = settings(
        DIALROOM_CARRIER_CIDRS="13.233.44.61/32, 10.0.0.0/8", DIALROOM_STREAM_TRUSTED_PROXIES="127.0.0.1,::1"
    )
    assert given.carrier_cidrs == ("13.233.44.61/32", "10.0.0.0/8")
    assert given.trusted_proxies == ("127.0.0.1/32", "::1/128")


def test_nothing_secret_is_shown() -> None:
    """The address of a database may hold a password."""
    given = settings(VOBIZ_AUTH_TOKEN="t0ken", DIALROOM_STREAM_SEEN="postgresql://u:s3cret@h/d")
    assert not [word for word in (SECRET, "t0ken", "s3cret") if word in f"{given!r} {given}"]


def test_the_process_has_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the commands read them."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert StreamSettings.load().public_url == "https://voice.example.in"
