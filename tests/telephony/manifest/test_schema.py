"""The schema that editors get: everything that loads fits, and what is misspelt does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from telephony.manifest.describe import DESCRIPTIONS
from telephony.manifest.schema import json_schema
from tests.telephony.manifest.manifests import MINIMAL

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def problems(text: str) -> list[str]:
    return [
        f"{'.'.join(map(str, error.path))}: {error.message}" for error in VALIDATOR.iter_errors(yaml.safe_load(text))
    ]


def examples() -> list[str]:
    """The example, and every one in the manual."""
    pages = (ROOT / "docs" / "manifest.md").read_text()
    return [(ROOT / "dialroom.yaml").read_text(), MINIMAL, *re.findall(r"```yaml\n(.*?)```", pages, re.DOTALL)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", examples())
def test_what_is_documented_fits(text: str) -> None:
    assert problems(text) == []


def test_a_variable_may_stand_for_a_number() -> None:
    """The loader fills it in before it looks."""
    line = 'numbers:\n  - {number: "+918071000001", route: {agent: a}, limits: {ring_s: "${RING:-20}"}}\n'
    assert problems(MINIMAL.replace("numbers:\n", line)) == []


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("deployment: test", "deployments: test"),
        ("greeting: Hello.", "greetings: Hello."),
        ("route: { agent: front-desk }", "route: { agents: front-desk }"),
        ("route: { agent: front-desk }", "route: { sip: { preset: nobody } }"),
        ("route: { agent: front-desk }", "route: { stream: { url: https://x.in } }"),
        ("route: { agent: front-desk }", "route: { agent: front-desk }\n    limits: { ring_s: 999 }"),
        ("route: { agent: front-desk }", "route: { agent: front-desk }\n    codecs: [OPUS]"),
        ("version: 1", "version: 2"),
    ],
)
def test_what_is_misspelt_does_not_fit(written: str, wrong: str) -> None:
    assert written in MINIMAL
    assert problems(MINIMAL.replace(written, wrong)) != []


def test_every_key_has_words_for_it() -> None:
    """An editor shows them; none is about a key that is not there."""
    described = {f"{name}.{key}": field for name, key, field in _fields()}
    assert {name for name, field in described.items() if not field.get("description")} == set()
    assert set(DESCRIPTIONS) == set(described)


def _fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, model in (("Manifest", SCHEMA), *SCHEMA["$defs"].items()):
        for option in (model, *model.get("anyOf", ())):
            for key, field in option.get("properties", {}).items():
                yield name, key, field
