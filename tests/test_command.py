"""The place of `cli.py`, which the import linter cannot see: everything is below it, and it loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "bench", "commands", "lab", "provision", "telephony")
HEAVY = {"agent", "bench", "lab", "provision", "livekit", "aiohttp", "numpy", "pydantic", "yaml"}


def test_reading_the_command_loads_nothing_heavy() -> None:
    """What a command needs is imported inside it, so `--help` need not wait for it."""
    program = "import cli, sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {name.partition(".")[0] for name in answer.stdout.split()} & HEAVY == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_the_command(package: str) -> None:
    """Imports run one way: from `cli` down."""
    above = [path for path in sorted((ROOT / package).rglob("*.py")) if "cli" in _imported(path)]
    assert above == []


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
