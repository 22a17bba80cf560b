"""A table of amounts, with rich where it can be imported and as plain text where not. Pure."""

from __future__ import annotations

import io
from collections.abc import Sequence

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row], totals: Sequence[Row], *, colour: bool = False, width: int = 120) -> str:
    """Return a table: the first column are names, the others amounts; totals stand below a line."""
    try:
        return rich_table(head, rows, totals, colour=colour, width=width)
    except ImportError:
        return plain_table(head, rows, totals)


def plain_table(head: Row, rows: Sequence[Row], totals: Sequence[Row]) -> str:
    """Return the table with nothing but blanks and dashes."""
    widths = [max(len(row[index]) for row in (head, *rows, *totals)) for index in range(len(head))]
    line = "  ".join("-" * width for width in widths)
    told = [_aligned(row, widths) for row in (head, *rows, *totals)]
    told.insert(1 + len(rows), line)
    told.insert(1, line)
    return "\n".join(f"  {row}".rstrip() for row in told)


def rich_table(head: Row, rows: Sequence[Row], totals: Sequence[Row], *, colour: bool, width: int) -> str:
    """Return the table as rich draws it."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE)
    for index, name in enumerate(head):
        drawn.add_column(Text(name), justify="right" if index else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row), end_section=row is rows[-1])
    for row in totals:
        drawn.add_row(*(Text(cell) for cell in row), style="bold")
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        legacy_windows=False,
        highlight=False,
    )
    console.print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")


def _aligned(row: Row, widths: Sequence[int]) -> str:
    name, *amounts = row
    return "  ".join(
        [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(amounts, widths[1:], strict=True))]
    )
