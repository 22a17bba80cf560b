"""Settings: what is missing or wrong is told by the variable's name, and keys are never told."""

import pytest

from provision.errors import SettingMissingError
from provision.settings import VOBIZ_BASE_URL, ProvisionSettings
from telephony.errors import UserError

ENVIRON = {
    "LIVEKIT_URL": "wss://livekit.lotus.in/",
    "LIVEKIT_API_KEY": "APIkey",
    "LIVEKIT_API_SECRET": "livekit-secret",
    "VOBIZ_AUTH_ID": "MA_1",
    "VOBIZ_AUTH_TOKEN": "vobiz-token",
}


def test_an_environment_becomes_settings():
    """LiveKit's WebSocket address is its API's address, too."""
    settings = ProvisionSettings.from_environ(ENVIRON)
    assert settings.livekit_url == "https://livekit.lotus.in"
    assert settings.vobiz_base_url == VOBIZ_BASE_URL
    assert settings.carrier_cidrs is None
    assert settings.vobiz_auth_token.get_secret_value() == "vobiz-token"


def test_keys_are_not_shown():
    """Neither in a log of the settings nor in an error."""
    assert "vobiz-token" not in repr(ProvisionSettings.from_environ(ENVIRON))
    with pytest.raises(UserError) as refused:
        ProvisionSettings.from_environ(ENVIRON | {"LIVEKIT_URL": "ftp://x"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("cidrs", ["127.0.0.1/32", " 10.0.0.0/8, 127.0.0.1/32,", "13.233.44.61/32,3.111.255.163/32"])
def test_the_carriers_addresses_are_a_list_with_commas(cidrs):
    """The lab's carrier is on loopback."""
    settings = ProvisionSettings.from_environ(ENVIRON | {"DIALROOM_CARRIER_CIDRS": cidrs})
    assert settings.carrier_cidrs == tuple(part.strip() for part in cidrs.split(",") if part.strip())


@pytest.mark.parametrize("cidrs", ["13.233.44.61", "sip.vobiz.ai", "0.0.0.0/0", "::/0", "127.0.0.1/32,0.0.0.0/1", ","])
def test_addresses_that_would_let_strangers_in_are_refused(cidrs):
    """A bare address or a name is forged by a From header; a wide range needs no forging."""
    with pytest.raises(UserError, match=r"^DIALROOM_CARRIER_CIDRS: ") as refused:
        ProvisionSettings.from_environ(ENVIRON | {"DIALROOM_CARRIER_CIDRS": cidrs})
    assert refused.value.exit_code == 2


def test_everything_that_is_missing_is_told_at_once():
    """Set to nothing is missing, too."""
    environ = ENVIRON | {"VOBIZ_AUTH_ID": ""}
    del environ["LIVEKIT_API_SECRET"]
    with pytest.raises(SettingMissingError) as refused:
        ProvisionSettings.from_environ(environ)
    assert str(refused.value) == "LIVEKIT_API_SECRET, VOBIZ_AUTH_ID are not set; write them into .env"
    assert refused.value.exit_code == 2


def test_a_given_environment_is_the_only_one(monkeypatch, tmp_path):
    """Neither the process's environment nor a .env file leaks in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("VOBIZ_BASE_URL=http://127.0.0.1:1\n")
    monkeypatch.setenv("DIALROOM_CARRIER_CIDRS", "10.0.0.0/8")
    settings = ProvisionSettings.from_environ(ENVIRON)
    assert settings.vobiz_base_url == VOBIZ_BASE_URL
    assert settings.carrier_cidrs is None


@pytest.mark.parametrize("variable", ["VOBIZ_AUTH_TOKEN", "VOBIZ_AUTH_ID", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
@pytest.mark.parametrize("value", ["canary-4711\r", "canary-4711\n", "canary-ключ", " canary-4711"])
def test_a_key_that_no_header_can_hold_is_named_and_not_told(variable, value):
    """E.g. from a file with the line ends of another system."""
    with pytest.raises(UserError) as refused:
        ProvisionSettings.from_environ(ENVIRON | {variable: value})
    assert str(refused.value).startswith(f"{variable}: holds a character that no key has")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "value", ["http://[::1", "http://host:99999", "http://", "http://a b", "http://u:canary@host/x"]
)
def test_an_address_that_is_none_is_refused(value):
    """In one line, without what it holds."""
    with pytest.raises(UserError, match="VOBIZ_BASE_URL: must ") as refused:
        ProvisionSettings.from_environ(ENVIRON | {"VOBIZ_BASE_URL": value})
    assert "canary" not in str(refused.value)
