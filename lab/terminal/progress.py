"""Progress of long work: a moving line on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.servers.binaries import Progress

PLAIN_EVERY_S = 10.0


@contextmanager
def progress_line(title: str) -> Iterator[Progress]:
    """Yield a callback (text, fraction 0..1). Nothing is shown when it is never called."""
    if sys.stderr.isatty():
        with _moving(title) as progress:
            yield progress
    else:
        yield _plain(title)


@contextmanager
def _moving(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = [TextColumn(title), BarColumn(), TimeElapsedColumn(), TextColumn("[dim]{task.description}")]
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, visible=False)

        def advance(text: str, fraction: float) -> None:
            bar.update(task, description=text[-60:], completed=fraction, visible=True)

        yield advance


def _plain(title: str) -> Progress:
    started = shown = time.monotonic()

    def advance(text: str, fraction: float) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= PLAIN_EVERY_S or shown == started:
            shown = now
            sys.stderr.write(f"{title}: {fraction:4.0%} after {now - started:.0f} s ({text[-60:]})\n")
            sys.stderr.flush()

    return advance
