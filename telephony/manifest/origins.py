"""Every value of a manifest with where it comes from: a place in a file, a template, a variable, a default. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from telephony.manifest.entry import Entry
from telephony.manifest.load import Source
from telephony.manifest.number_lines import NumberSettings
from telephony.manifest.yaml_tree import Path as KeyPath

DEFAULT: Final = "default"
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `path` is like ``agents.front-desk.greeting``; `origin` is a place, or ``default``."""

    path: str
    value: Any
    origin: str

    def is_in(self, part: str) -> bool:
        """Say whether the setting is below a path."""
        return not part or self.path == part or self.path.startswith((f"{part}.", f"{part}["))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def explain(source: Source) -> tuple[Setting, ...]:
    """Return every value that is written, then what templates and defaults add, in the order of the file.

    Ranges and lists stay one line each. A value with a variable in it is shown as it is written.
    """
    found = list(_written(source))
    known = {setting.path for setting in found}
    added = [s for s in (*_from_templates(source), *_defaults(source.manifest, ())) if s.path not in known]
    first = {setting.path: index for index, setting in enumerate(found)}
    last = _last_below(first)
    return tuple(sorted((*found, *_first(added)), key=lambda setting: _rank(setting.path, first, last)))


def render_settings(settings: Sequence[Setting], *, origin: bool) -> str:
    """Return one line for each setting; `origin` puts a column with the origins beside."""
    if not settings:
        return "nothing is written there"
    told = [(setting.path, _short(setting.value), setting.origin) for setting in settings]
    width = max(len(path) for path, _, _ in told)
    wide = max(len(value) for _, value, _ in told)
    if origin:
        return "\n".join(f"{path:<{width}}  {value:<{wide}}  {where}".rstrip() for path, value, where in told)
    return "\n".join(f"{path:<{width}}  {value}".rstrip() for path, value, _ in told)


def _written(source: Source) -> Iterator[Setting]:
    for path in source.tree.values:
        value = _at(source.tree.value, path)
        if isinstance(value, (dict, list)) and value:
            continue
        shown = source.filled[path][1] if path in source.filled else value
        yield Setting(_name(path), shown, _origin(source, path))


def _from_templates(source: Source) -> Iterator[Setting]:
    """Yield what a line of numbers takes from its template."""
    whole = source.tree.value if isinstance(source.tree.value, dict) else {}
    templates: dict[str, list[tuple[KeyPath, Setting]]] = {}
    for path in source.tree.values:
        if len(path) > 2 and path[0] == "templates" and path[2] in NumberSettings.model_fields:
            value = _at(whole, path)
            if not (isinstance(value, (dict, list)) and value):
                shown = source.filled[path][1] if path in source.filled else value
                setting = Setting("", shown, f"template {path[1]} at {_place(source, path)}")
                templates.setdefault(str(path[1]), []).append((path[2:], setting))
    for index, line in enumerate(whole.get("numbers") or ()):
        for inner, setting in templates.get(str(line.get("template")), ()):
            if inner[0] not in line:
                yield replace(setting, path=_name(("numbers", index, *inner)))


def _defaults(value: Any, path: KeyPath) -> Iterator[Setting]:
    """Yield what is left at its default, in the models that the file speaks of."""
    if isinstance(value, Entry):
        for key in type(value).model_fields:
            if path == () and key in ("numbers", "templates"):
                continue
            inner = getattr(value, key)
            if isinstance(inner, Entry):
                yield from _defaults(inner, (*path, key))
            elif key not in value.model_fields_set:
                if inner not in (None, (), {}):
                    yield Setting(_name((*path, key)), _plain(inner), DEFAULT)
            else:
                yield from _defaults(inner, (*path, key))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _defaults(inner, (*path, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _defaults(inner, (*path, index))


def _first(settings: Sequence[Setting]) -> Iterator[Setting]:
    seen: set[str] = set()
    for setting in settings:
        if setting.path not in seen:
            seen.add(setting.path)
            yield setting


def _origin(source: Source, path: KeyPath) -> str:
    return _place(source, path) + (", with a variable" if path in source.filled else "")


def _place(source: Source, path: KeyPath) -> str:
    place = source.tree.values[path]
    return f"{place.file or source.name}:{place.line}:{place.column}"


def _at(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part]
    return value


def _name(path: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _last_below(first: Mapping[str, int]) -> dict[str, int]:
    """Return for everything that something is written below of, where the last of that stands."""
    last: dict[str, int] = {}
    for path, index in first.items():
        for above in _above(path):
            last[above] = max(index, last.get(above, 0))
    return last


def _above(path: str) -> Iterator[str]:
    while path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
        yield path


def _rank(path: str, first: Mapping[str, int], last: Mapping[str, int]) -> tuple[int, str]:
    """Put what was added behind what is written of the same thing."""
    if path in first:
        return first[path], ""
    return next((last[above] for above in _above(path) if above and above in last), len(first)), path
