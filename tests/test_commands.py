"""The commands as a user runs them: help that teaches, and one line with the right exit code for what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cli

ROOT = Path(__file__).resolve().parents[1]
CANARY = "Canary-4711-of-32-characters-and-more"
KEYS = {
    "LIVEKIT_URL": "http://127.0.0.1:1",
    "LIVEKIT_API_KEY": "APIkey",
    "LIVEKIT_API_SECRET": CANARY,
    "VOBIZ_AUTH_ID": "MA_1",
    "VOBIZ_AUTH_TOKEN": CANARY,
    "VOBIZ_BASE_URL": "http://127.0.0.1:1",
}
COMMANDS = [
    "setup",
    "demo",
    "up",
    "worker",
    "call",
    "firewall",
    "cost",
    "numbers",
    "numbers list",
    "numbers search",
    "numbers buy",
    "numbers release",
    "provision",
    "provision plan",
    "provision apply",
    "provision drift",
    "provision show",
    "provision destroy",
    "provision adopt",
    "provision import",
    "provision rollback",
    "provision password",
    "provision number",
    "route-test",
    "schema",
    "doctor",
    "config show",
]


def run(*words: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `dialroom` in a folder with nothing of ours in the environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DIALROOM_CACHE")}
    command = [sys.executable, "-m", "cli", *words]
    full = kept | {"PYTHONPATH": str(ROOT)} | environ
    return subprocess.run(command, cwd=folder, env=full, capture_output=True, text=True, timeout=60, check=False)


def good_manifest() -> str:
    """Return the example manifest, without the file that it names."""
    return (ROOT / "dialroom.yaml").read_text().replace("prompts/front-desk.md", "Be kind.")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    """With a sentence and its options."""
    told = run(*command.split(), "--help", folder=tmp_path)
    assert told.returncode == 0
    assert told.stdout.startswith("Usage: ")
    assert len(told.stdout.splitlines()) >= 5


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("up --gateway plane", 2, "'plane' is not one of"),
        ("up --sip-port 99999", 2, "less than or equal to 65535"),
        ("up -m nothing.yaml", 2, "nothing.yaml: No such file"),
        ("worker -m nothing.yaml", 2, "nothing.yaml: No such file"),
        ("worker -m good.yaml", 2, "LIVEKIT_URL"),
        ("call +918071000001", 2, "nothing to call: start `dialroom up`"),
        ("call hello", 2, "'hello' is not a phone number"),
        ("call +918071000001 --script nothing.yaml --sip 127.0.0.1:1", 2, "nothing.yaml: cannot be read"),
        ("call +918071000001 --script bad.yaml --sip 127.0.0.1:1", 2, "bad.yaml:1:3: "),
        ("call +918071000001 --human-says yes", 2, "open one with --human HOST:PORT"),
        ("call +918071000001 --human 127.0.0.1:9 --human-says yes --human-presses 1", 2, "do not go together"),
        ("call +918071000001 --human 127.0.0.1:9 --human-presses one", 2, "can be pressed"),
        ("call +918071000001 --human 127.0.0.1:9 --callers 2 --sip 127.0.0.1:1", 2, "goes with one caller"),
        ("call +918071000001 --human nowhere:x --sip 127.0.0.1:1", 2, "'nowhere:x' is no SIP address"),
        ("call +918071000001 --human 192.0.2.1:5090 --sip 127.0.0.1:1", 1, "cannot be opened"),
        ("provision plan -m bad.yaml", 2, "bad.yaml:1:1: must be a mapping"),
        ("provision plan -m good.yaml", 2, "are not set; write them into .env"),
        ("provision apply nothing.json", 2, "nothing.json: cannot be read"),
        ("provision 12 --agent front-desk -m good.yaml", 2, "are not set"),
        ("numbers list", 2, "VOBIZ_AUTH_ID, VOBIZ_AUTH_TOKEN are not set"),
        ("cost -m good.yaml", 2, "say how much is called"),
        ("firewall nft --rtp hello", 2, "hello"),
        ("firewall windows", 2, "is not one of"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(words: str, code: int, expected: str, tmp_path: Path) -> None:
    """No traceback, nothing on standard output, nothing left behind."""
    (tmp_path / "bad.yaml").write_text("- sing: la\n")
    (tmp_path / "good.yaml").write_text(
        (ROOT / "dialroom.yaml").read_text().replace("prompts/front-desk.md", "Be kind.")
    )
    told = run(*words.split(), folder=tmp_path)
    assert (told.returncode, told.stdout) == (code, "")
    assert expected in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "words", ["provision plan", "provision apply --yes", "provision drift", "provision show", "numbers list"]
)
def test_a_server_that_is_away_is_named_and_no_key_is_told(words: str, tmp_path: Path) -> None:
    """Exit code 1: the world refused."""
    (tmp_path / "dialroom.yaml").write_text(good_manifest())
    told = run(*words.split(), folder=tmp_path, **KEYS)
    assert told.returncode == 1
    assert "cannot reach Vobiz at http://127.0.0.1:1: connection refused" in told.stderr
    assert CANARY not in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_every_command_stands_in_the_docs() -> None:
    """With all its options; `provision NUMBER` is one, too."""
    page = (ROOT / "docs" / "cli.md").read_text()
    sections = dict(re.findall(r"^## `dialroom ?([^`]*)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    missing = [
        (name, option)
        for name, command in commands_of(typer.main.get_command(cli.app))
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option not in sections.get(name, "")
    ]
    assert missing == []
    assert "--agent" in sections["provision number"]


def commands_of(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a command and those below it, with their names."""
    yield name, command
    for word, child in getattr(command, "commands", {}).items():
        yield from commands_of(child, f"{name} {word}".strip())


def test_an_environment_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """As that of another user is; here it is a file that fails when it is read, also for root."""
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    (tmp_path / "dialroom.yaml").write_text(good_manifest())
    told = run("provision", "plan", folder=tmp_path)
    assert (told.returncode, told.stderr) == (2, "dialroom: .env: cannot be read: Input/output error\n")
