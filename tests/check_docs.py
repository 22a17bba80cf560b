"""What of docs/ a program writes: the commands, the schema, the states of a transfer. Checks that it is fresh."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer.main
from typer.testing import CliRunner

import cli
from telephony.manifest.schema import schema_text
from tests.agent.transfer.explore import diagram

DOCS = Path(__file__).resolve().parents[1] / "docs"


def page() -> str:
    """Return docs/cli.md as it has to be: the help of every command, in the order in which `--help` lists them."""
    parts = ["# Commands\n\nWritten from `--help` by `make docs`; `make check` fails when it is stale.\n"]
    for path in [[], *_paths(typer.main.get_command(cli.app), [])]:
        name = " ".join(["dialroom", *path])
        parts.append(f"## `{name}`\n\n```text\n{_help(path)}\n```\n")
    return "\n".join(parts)


def _paths(command: object, above: list[str]) -> list[list[str]]:
    found = []
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            found += [[*above, name], *_paths(child, [*above, name])]
    return found


def _help(path: list[str]) -> str:
    os.environ.update({"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})
    result = CliRunner().invoke(cli.app, [*path, "--help"], prog_name="dialroom", terminal_width=100)
    if result.exit_code:
        raise SystemExit(f"`{' '.join(path)} --help` exits with {result.exit_code}: {result.output}")
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def _with_diagram(name: str) -> str:
    """Return the page with its state diagram as the machine has it."""
    before, mark, rest = (DOCS / name).read_text().partition("```mermaid\nstateDiagram-v2")
    if not mark:
        raise SystemExit(f"docs/{name} has no state diagram")
    return f"{before}```mermaid\n{diagram()}\n```{rest.partition('```')[2]}"


def main() -> int:
    """Compare, or write with `--write`; exit 1 when one is stale."""
    fresh = {"cli.md": page(), "dialroom.schema.json": schema_text(), "transfer.md": _with_diagram("transfer.md")}
    if "--write" in sys.argv[1:]:
        for name, text in fresh.items():
            (DOCS / name).write_text(text)
        return 0
    stale = [name for name, text in fresh.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    for name in stale:
        sys.stderr.write(f"docs/{name} is stale: run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
