"""A manifest in several files of one folder, as one tree; every place keeps its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from telephony.errors import UserError
from telephony.manifest.yaml_tree import Path as KeyPath
from telephony.manifest.yaml_tree import Place, YamlTree

_SUFFIXES = (".yaml", ".yml")
_LISTS = ("numbers",)
_NAMED = ("agents", "targets", "templates")


class TwiceError(Exception):
    """Two files say the same. `place` is that of the later one."""

    def __init__(self, path: KeyPath, place: Place, first: Place) -> None:
        self.path, self.place = path, place
        super().__init__(f"is there already, at {first.file}:{first.line}:{first.column}")


@dataclass(frozen=True, slots=True)
class Part:
    """One file, read."""

    file: str
    tree: YamlTree


def parts_of(folder: Path) -> list[Path]:
    """Return the YAML files of a folder, sorted; hidden ones and those of folders below are left out.

    Raises:
        UserError: there is none, one is a link that leads nowhere, or the folder cannot be read.
    """
    try:
        found = sorted(
            p for p in folder.iterdir() if p.suffix in _SUFFIXES and not p.name.startswith(".") and not p.is_dir()
        )
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror or error}") from error
    for path in found:
        if not path.is_file():  # left out, its numbers would be taken off
            raise UserError(f"{path}: is no file: mend the link, or take it away")
    if not found:
        raise UserError(f"{folder}: has no .yaml file; name the manifest with DIALROOM_MANIFEST")
    return found


def merged(parts: Sequence[Part]) -> YamlTree:
    """Return one tree: lists are put one after the other, named things beside each other.

    Raises:
        TwiceError: two files name the same thing, or both set the same value.
    """
    value: dict[str, Any] = {}
    values: dict[KeyPath, Place] = {(): Place(1, 1, parts[0].file)}
    keys: dict[KeyPath, Place] = {}
    for part in parts:
        given = part.tree.value
        if given is None:
            continue
        if not isinstance(given, dict):
            values[()] = Place(1, 1, part.file)
            return YamlTree(given, values, keys)
        offsets = {name: len(before) for name in _LISTS if isinstance(before := value.get(name), list)}
        for old, place in part.tree.keys.items():
            new = _moved(old, offsets)
            if new in keys and not _joins(new, value, given):
                raise TwiceError(new, replace(place, file=part.file), keys[new])
            keys.setdefault(new, replace(place, file=part.file))
        for old, place in part.tree.values.items():
            values.setdefault(_moved(old, offsets), replace(place, file=part.file))
        for name, content in given.items():
            value[name] = _joined(value.get(name), content) if name in value else content
    return YamlTree(value, values, keys)


def _moved(path: KeyPath, offsets: dict[str, int]) -> KeyPath:
    if len(path) > 1 and path[0] in offsets and isinstance(path[1], int):
        return (path[0], path[1] + offsets[str(path[0])], *path[2:])
    return path


def _joins(path: KeyPath, value: dict[str, Any], given: dict[str, Any]) -> bool:
    """Say whether a key may stand in two files: a list or a mapping of names, when both files have that there."""
    if len(path) != 1:
        return False
    both = (value.get(str(path[0])), given.get(str(path[0])))
    wanted = list if path[0] in _LISTS else dict
    return path[0] in (*_LISTS, *_NAMED) and all(isinstance(one, wanted) for one in both)


def _joined(before: Any, content: Any) -> Any:
    return [*before, *content] if isinstance(content, list) else {**before, **content}
