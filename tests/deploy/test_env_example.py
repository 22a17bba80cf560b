""".env.example names every setting that is read, and holds no secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from agent.settings import AgentSettings
from provision.settings import ProvisionSettings
from stream.settings import StreamSettings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / ".env.example").read_text()
NAMES = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", TEXT, re.MULTILINE))


@pytest.mark.parametrize("settings", [AgentSettings, ProvisionSettings, StreamSettings])
def test_every_setting_is_named(settings: type[BaseSettings]) -> None:
    """A setting that nobody can find is no setting."""
    read = {str(field.validation_alias) for field in settings.model_fields.values() if not field.exclude}
    assert read - NAMES == set()


@pytest.mark.parametrize("file", ["docker-compose.yml", "dialroom.yaml"])
def test_every_variable_of_a_deployment_is_named(file: str) -> None:
    """What the compose file and the example manifest take from the environment."""
    text = re.sub(r"^\s*#.*", "", (ROOT / file).read_text(), flags=re.MULTILINE)
    used = set(re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)", text))
    assert used - NAMES == set()


def test_no_secret_has_a_value() -> None:
    """Nobody goes live with a key that the whole world knows."""
    given = dotenv_values(ROOT / ".env.example")
    secret = {name for name in given if re.search(r"_KEY|_SECRET|_TOKEN|_AUTH_ID", name)}
    assert secret
    assert {name: given[name] for name in secret if given[name]} == {}
