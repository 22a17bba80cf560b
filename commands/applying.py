"""From a plan to what is written: show it, ask, mind the calls that are going on, show how far it is."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from commands.inputs import plan_text
from commands.running import INTERRUPTED, json_text, run
from telephony.errors import UserError

if TYPE_CHECKING:
    from provision.apply import OnProgress, Progress
    from provision.live_calls import LiveCall
    from provision.plan import Plan
    from provision.remember import State
    from provision.run import Applied
    from provision.settings import ProvisionSettings

_LOOK_EVERY_S: Final = 2.0
_TIMES: Final = 3
_LINES: Final = 50
"""Up to so many changes are told one by one where there is no terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user said beforehand; `drain` is None when nothing was said about calls that are going on."""

    yes: bool
    as_json: bool
    drain: bool | None


def apply_and_tell(
    make: Callable[[], Plan],
    settings: ProvisionSettings,
    asked: Asked,
    *,
    state: State,
    reason: str = "apply",
    digest: str | None = None,
) -> None:
    """Plan, ask and apply. When another apply came first and nobody was asked, it is planned again."""
    from provision.errors import PlanStaleError
    from provision.run import apply_plan

    if asked.drain:
        settings = settings.model_copy(update={"calls_end_limit_s": math.inf})
    for attempt in range(_TIMES):
        plan = make()
        _consent(plan, settings, asked)
        try:
            with _shown(len(plan.changes), quiet=asked.as_json) as show, _stop_told(plan, show) as on_progress:
                applied = run(
                    apply_plan(plan, settings, on_progress=on_progress, digest=digest, state=state, reason=reason)
                )
        except PlanStaleError:
            if not asked.yes or digest is not None or attempt == _TIMES - 1:
                raise
            typer.echo("Somebody else applied meanwhile: planned again.", err=True)
        else:
            typer.echo(json_text(applied.to_dict()) if asked.as_json else _result(applied))
            return


def _result(applied: Applied) -> str:
    if not applied.writes:
        return "Nothing to do: nothing was written."
    return f"Done: {applied.writes} written, all read back."


def _consent(plan: Plan, settings: ProvisionSettings, asked: Asked) -> None:
    if not asked.as_json:
        typer.echo(plan_text(plan))
    if not plan.changes or plan.conflicts:
        return
    ask("Make it so?", yes=asked.yes, as_json=asked.as_json)
    if asked.drain is not False:
        _mind_calls(plan, settings, asked)


def ask(question: str, *, yes: bool, as_json: bool) -> None:
    """Go on only when that was said beforehand or is said now. Raises UserError where nobody can be asked."""
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise UserError("nothing was written: give --yes, since nobody can be asked here")
        _confirm(question)


def _confirm(question: str) -> None:
    """Ask; "no" is an exit code of 1, Ctrl-C is the one of every command."""
    try:
        typer.confirm(question, abort=True)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            typer.echo(err=True)
            raise typer.Exit(INTERRUPTED) from None
        raise


def _mind_calls(plan: Plan, settings: ProvisionSettings, asked: Asked) -> None:
    from provision.live_calls import live_calls

    calls: tuple[LiveCall, ...] = run(live_calls(plan, settings))
    if not calls:
        return
    if asked.drain:
        typer.echo(f"Waiting for {_told(calls)} to end; Ctrl-C stops, and nothing is written.", err=True)
        run(_drained(plan, settings))
    elif asked.yes or not sys.stdin.isatty():
        raise UserError(f"nothing was written: {_told(calls)}; give --drain to wait for their end, or --no-drain")
    else:
        _confirm(f"{_told(calls)}. Go on beside them?")


async def _drained(plan: Plan, settings: ProvisionSettings) -> None:
    from provision.live_calls import live_calls

    while await live_calls(plan, settings):
        await asyncio.sleep(_LOOK_EVERY_S)


def _told(calls: tuple[LiveCall, ...]) -> str:
    numbers = sorted({call.number for call in calls})
    more = f" and {len(numbers) - 3} more numbers" if len(numbers) > 3 else ""
    return f"{len(calls)} {'call is' if len(calls) == 1 else 'calls are'} live on {', '.join(numbers[:3])}{more}"


@contextmanager
def _stop_told(plan: Plan, show: OnProgress | None) -> Iterator[OnProgress]:
    """Say how far it came when Ctrl-C or SIGTERM ends the block."""
    made = 0

    def note(progress: Progress) -> None:
        nonlocal made
        made = progress.position
        if show is not None:
            show(progress)

    try:
        yield note
    except typer.Exit:
        if plan.changes:
            told = f"stopped: {made} of {len(plan.changes)} changes are made, and maybe some that were on their way"
            typer.echo(f"{told}; run the same command again: it looks before it writes", err=True)
        raise


@contextmanager
def _shown(total: int, *, quiet: bool) -> Iterator[OnProgress | None]:
    """Yield what shows progress: a bar on a terminal, lines elsewhere, nothing for scripts."""
    if quiet or not total:
        yield None
    elif sys.stdout.isatty() and total > 1:
        with _bar(total) as on_progress:
            yield on_progress
    else:
        yield lambda progress: _line(progress)


@contextmanager
def _bar(total: int) -> Iterator[OnProgress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[Any] = [TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns) as shown:
        task = shown.add_task("applying", total=total)
        yield lambda progress: shown.update(
            task, completed=progress.position, description=str(progress.change.key)[:48]
        )


def _line(progress: Progress) -> None:
    step = max(progress.total // 20, 1) if progress.total > _LINES else 1
    if progress.position % step == 0 or progress.position == progress.total:
        with suppress(OSError):  # nobody listens any more (`| head`): no reason to stop half-way
            typer.echo(f"  [{progress.position}/{progress.total}] {progress.change.key}")
