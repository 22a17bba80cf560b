"""agent/settings.py: the environment of the worker."""

from __future__ import annotations

import pickle
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.errors import SettingMissingError
from agent.settings import AgentSettings
from telephony.errors import UserError
from tests.agent.profiles import ENVIRON, settings


def test_every_missing_key_is_named_in_one_line() -> None:
    """All at once, so that nobody has to start the worker once per key; the exit code is 2."""
    with pytest.raises(SettingMissingError) as caught:
        AgentSettings.from_environ({"LIVEKIT_URL": "ws://127.0.0.1:7880", "OPENAI_API_KEY": ""})
    text = str(caught.value)
    assert text.startswith("DEEPGRAM_API_KEY, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, OPENAI_API_KEY are not set")
    assert "\n" not in text
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("LIVEKIT_URL", "localhost", "wss://"),
        ("DEEPGRAM_BASE_URL", "api.deepgram.com", "https://"),
        ("DIALROOM_TURN_FRAME_MS", "33", "DIALROOM_TURN_FRAME_MS"),
        ("DIALROOM_TURN_MIN_ENDPOINTING_DELAY_S", "-1", "DIALROOM_TURN_MIN_ENDPOINTING_DELAY_S"),
        ("DIALROOM_TURN_MAX_ENDPOINTING_DELAY_S", "0.1", "DIALROOM_TURN_MAX_ENDPOINTING_DELAY_S"),
        ("DIALROOM_TIME_ZONE", "Asia/Nowhere", "DIALROOM_TIME_ZONE"),
        ("DIALROOM_LOG_FORMAT", "xml", "DIALROOM_LOG_FORMAT"),
        ("DEEPGRAM_API_KEY", "key\n", "DEEPGRAM_API_KEY: holds a character that no key has"),
        ("LIVEKIT_API_KEY", "k\u200bey", "LIVEKIT_API_KEY: holds a character that no key has"),
    ],
)
def test_a_value_without_sense_is_named_with_its_variable(name: str, value: str, hint: str) -> None:
    """One line, exit code 2: the user wrote it."""
    with pytest.raises(UserError) as caught:
        settings(**{name: value})
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_turn_settings_are_ours_and_have_units() -> None:
    """Nothing is left to defaults of the framework that change with its mode."""
    plain = settings()
    assert (plain.min_endpointing_delay_s, plain.vad_min_silence_s) == (0.3, 0.25)
    assert (plain.frame_ms, plain.sample_rate) == (20, 16_000)
    assert settings(DIALROOM_TURN_MIN_ENDPOINTING_DELAY_S="0.1").min_endpointing_delay_s == 0.1


def test_the_agent_tells_the_time_of_india_unless_told_otherwise() -> None:
    """Containers run on UTC; the callers do not."""
    assert settings().time_zone == ZoneInfo("Asia/Kolkata")
    assert settings(DIALROOM_TIME_ZONE="Europe/Berlin").time_zone == ZoneInfo("Europe/Berlin")


def test_secrets_do_not_show() -> None:
    """Neither in repr nor in str."""
    shown = f"{settings()!r} {settings()}"
    secrets = [ENVIRON[name] for name in ("LIVEKIT_API_SECRET", "DEEPGRAM_API_KEY", "OPENAI_API_KEY")]
    assert [secret for secret in secrets if secret in shown] == []


def test_settings_reach_job_processes_by_pickling() -> None:
    """What was checked is what serves calls."""
    before = settings()
    after = pickle.loads(pickle.dumps(before))
    assert after == before
    assert after.openai_api_key.get_secret_value() == "key-of-openai"


def test_a_dotenv_file_fills_what_the_environment_leaves_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins; an empty variable counts as not set."""
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in ENVIRON.items()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("DEEPGRAM_API_KEY", "")
    loaded = AgentSettings.load()
    assert loaded.openai_api_key.get_secret_value() == "from-the-environment"
    assert loaded.deepgram_api_key.get_secret_value() == "key-of-deepgram"
