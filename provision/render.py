"""A plan as text for a person. Pure; colour is an argument."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from provision.changes import Change, Create, Delete, Drop, Report, Update, after, before
from provision.livekit_numbers import known_numbers
from provision.plan import Plan
from provision.values import Value, key_of
from telephony.shown_url import Written, shown_url

_RED, _GREEN, _YELLOW, _RESET = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_SIGNS: Final = {Create: ("+", _GREEN), Update: ("~", _YELLOW), Delete: ("-", _RED), Drop: ("-", _RED)}
_MAX_LISTED: Final = 6
_MAX_ROWS: Final = 500
_UNTOLD: Final = ((), False, "", 0, "disable")
"""What a new object need not say: it is as if nothing was written."""
_Paint = Callable[[str, str], str]


def render(plan: Plan, *, colour: bool = False, verbose: bool = False) -> str:
    """Return the plan, one object per paragraph; `verbose` also names every object that is not ours.

    `shown` is the same for programs.
    """
    paint = _painted if colour else _plain
    lines = [_headline(plan)]
    for change in plan.changes:
        sign, tint = _SIGNS[type(change)]
        lines += ["", paint(one_line(f"  {sign} {change.key}"), tint)]
        lines += [one_line(f"      {line}") for line in _details(change, plan.written_urls)]
    lines += _reports(plan, verbose=verbose, paint=paint)
    return "\n".join(lines) + "\n"


def shown(fields: Any, written: Written) -> Any:
    """Return JSON values with their URLs as they may be shown, e.g. those of `Plan.to_dict`."""
    if isinstance(fields, dict):
        return {name: shown(value, written) for name, value in fields.items()}
    if isinstance(fields, (list, tuple)):
        return [shown(value, written) for value in fields]
    return shown_url(fields, written) if isinstance(fields, str) and "://" in fields else fields


def inventory(deployment: str, values: Sequence[Value], written: Written = ()) -> str:
    """Return what is there of a deployment, one object per paragraph."""
    if not values:
        return f"Deployment {deployment}: nothing is there."
    lines = [f"Deployment {deployment}: {len(values)} objects."]
    for value in values:
        told = (one_line(f"      {line}") for line in _details(Create(value), written))
        lines += ["", one_line(f"  {key_of(value)}"), *told]
    return "\n".join(lines)


def markdown(plan: Plan) -> str:
    """Return the plan for a pull request: a line with the counts, then a table of changes, conflicts above."""
    lines = [f"### {_headline(plan).rstrip('.')}", ""]
    lines += [
        f"- **{_word(report)[:-1]}** {_cell(report.message)}" for report in plan.reports if report.level != "note"
    ]
    if plan.changes:
        lines += ["", "| | object | what |", "|---|---|---|"]
        for change in plan.changes[:_MAX_ROWS]:
            sign, _ = _SIGNS[type(change)]
            told = "<br>".join(_cell(line) for line in _details(change, plan.written_urls))
            lines.append(f"| `{sign}` | {_cell(str(change.key))} | {told} |")
        if len(plan.changes) > _MAX_ROWS:
            lines += ["", f"and {len(plan.changes) - _MAX_ROWS} more changes."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return a text that stays in its cell: no column, no line, no markup of its own."""
    return "".join(f"\\{char}" if char in "\\`*_|[]<>~" else char for char in " ".join(text.split()))


def snapshot_list(deployment: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the snapshots of a deployment, newest first: ``id``, ``taken_at`` (ISO 8601) and ``reason`` of each."""
    if not rows:
        return f"Deployment {deployment}: no snapshot is there; every apply keeps one."
    width = max(len(str(row["id"])) for row in rows)
    lines = [
        f"  {row['id']!s:>{width}}  {row['taken_at'][:19].replace('T', ' ')} UTC  before: {row['reason']}"
        for row in rows
    ]
    return "\n".join([f"Deployment {deployment}: what was there before each apply, newest first.", "", *lines])


def summary(plan: Plan) -> str:
    """Return the counts in words: ``2 to create, 1 to update``; ``nothing to do`` when there are none."""
    words = {Create: "create", Update: "update", Delete: "delete", Drop: "drop, being there twice"}
    counts = {kind: sum(isinstance(change, kind) for change in plan.changes) for kind in words}
    told = [f"{count} to {words[kind]}" for kind, count in counts.items() if count]
    return ", ".join(told) or "nothing to do"


def _headline(plan: Plan) -> str:
    if plan.changes:
        return f"Deployment {plan.deployment}: {summary(plan)}."
    if plan.conflicts:
        return f"Deployment {plan.deployment}: conflicts."
    return f"Deployment {plan.deployment}: nothing to do, the servers are as planned."


def _details(change: Change, written: Written) -> Iterator[str]:
    old, new = _fields(before(change)), _fields(after(change))
    if isinstance(change, Drop):
        yield "is there twice, and nothing hangs on this one"
    if isinstance(change, (Delete, Drop)):
        return
    rows: list[tuple[str, str]] = []
    for name, value in new.items():
        if name == "name" or (old and old[name] == value):
            continue
        if isinstance(change, Update):
            rows.append((name, _difference(name, old[name], value, written)))
        elif value not in _UNTOLD:
            rows.append((name, _told(name, value, written)))
    width = max((len(name) for name, _ in rows), default=0)
    yield from (f"{name:<{width}}  {told}" for name, told in rows)


def _fields(value: Value | None) -> dict[str, Any]:
    return {} if value is None else asdict(value)


def _difference(name: str, old: Any, new: Any, written: Written) -> str:
    if not isinstance(new, tuple):
        before, now = _told(name, old, written), _told(name, new, written)
        return f"{before} → {now}" if before != now else f"{now} (a part that is not shown changes)"
    gained, lost = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    parts = [f"{sign}{_told(name, tuple(items), written)}" for sign, items in (("+ ", gained), ("- ", lost)) if items]
    return "  ".join(parts)


def _told(name: str, value: Any, written: Written) -> str:
    if not isinstance(value, tuple):
        return shown_url(str(value), written)
    items = known_numbers(value) if name == "numbers" else value
    more = f" and {len(items) - _MAX_LISTED} more" if len(items) > _MAX_LISTED else ""
    return ", ".join(items[:_MAX_LISTED]) + more


def _reports(plan: Plan, *, verbose: bool, paint: _Paint) -> Iterator[str]:
    notes = [report for report in plan.reports if report.level == "note"]
    for report in plan.reports:
        if report.level != "note" or verbose:
            yield ""
            yield paint(
                one_line(f"  {_word(report)} {report.message}"), _RED if report.level == "conflict" else _YELLOW
            )
    if notes and not verbose:
        yield ""
        yield f"  Left alone, since dialroom did not make them for this deployment: {len(notes)}."


def _word(report: Report) -> str:
    return {"conflict": "Conflict:", "warning": "Warning:", "note": "Note:"}[report.level]


def one_line(text: str) -> str:
    """Return a text that does nothing to a terminal: names of strangers' objects may hold line breaks and escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _painted(text: str, tint: str) -> str:
    return f"{tint}{text}{_RESET}"


def _plain(text: str, _tint: str) -> str:
    return text
