"""YAML as plain values beside the place of each of them.

Plain scalars follow the YAML 1.2 core schema (section 10.3.2), not PyYAML's 1.1: ``no`` is a text, and so is an
unquoted ``+918071000001``, whose plus sign 1.1 would drop.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

_DEEPEST: Final = 50
_LONGEST_NUMBER: Final = 40
_MOST_VALUES: Final = 500_000
_FAST_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN_SCALARS: Final = (
    (re.compile(r"true"), lambda _: True),
    (re.compile(r"false"), lambda _: False),
    (re.compile(r"~|null|"), lambda _: None),
    (re.compile(r"-?(0|[1-9][0-9]*)"), int),
    (re.compile(r"-?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?"), float),
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a text, both counted from 1. `file` is told where a manifest has several."""

    line: int
    column: int
    file: str = ""


class YamlError(Exception):
    """The text is no YAML, or uses a part of YAML that a manifest may not use."""

    def __init__(self, place: Place, message: str, *, path: Path = ()) -> None:
        self.place = place
        self.message = message
        self.path = path
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class YamlTree:
    """Plain values, and for each path the place of its value and of its key."""

    value: Any
    values: dict[Path, Place]
    keys: dict[Path, Place]


def parse_yaml(text: str, *, scalar: Callable[[str, Path, Place], str]) -> YamlTree:
    """Read one YAML document; every text value passes through `scalar`.

    Raises:
        YamlError: broken YAML, several documents, a key that is no text or stands twice, a tag, a value inside itself.
    """
    root = _compose(text)
    builder = _Builder(scalar)
    value = builder.build(root, ()) if root is not None else None
    return YamlTree(value, builder.values, builder.keys)


def _compose(text: str) -> yaml.Node | None:
    """Compose a document after a look at its events: the composer recurses in C."""
    try:
        _check_events(text)
        return yaml.compose(text, Loader=_FAST_LOADER)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = (error.context, error.problem)
        raise YamlError(_place(mark), ": ".join(part for part in parts if part)) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position].splitlines() or [""]
        place = Place(len(before), len(before[-1]) + 1)
        raise YamlError(place, "a character that YAML does not allow") from error


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_FAST_LOADER):  # type: ignore[no-untyped-call,unused-ignore]
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise YamlError(_place(event.start_mark), f"nested more than {_DEEPEST} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """One walk over the node tree."""

    def __init__(self, scalar: Callable[[str, Path, Place], str]) -> None:
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self._scalar = scalar
        self._open: set[int] = set()

    def build(self, node: yaml.Node, path: Path) -> Any:
        place = _place(node.start_mark)
        if len(self.values) > _MOST_VALUES:
            raise YamlError(place, "too many values, maybe by aliases (*name) of aliases")
        if len(path) > _DEEPEST:
            raise YamlError(place, f"nested more than {_DEEPEST} deep")
        self.values[path] = place
        if id(node) in self._open:
            raise YamlError(place, "the value contains itself", path=path)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            raise YamlError(place, f"tags such as {node.tag} are not used here", path=path)
        self._open.add(id(node))
        try:
            return self._build(node, path)
        finally:
            self._open.discard(id(node))

    def _build(self, node: yaml.Node, path: Path) -> Any:
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar_value(node, path)
            case _:
                raise AssertionError(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError(place, "a key must be a text", path=path)
            key = str(key_node.value)
            if key in result:
                raise YamlError(place, f"the key {key!r} stands twice", path=path)
            self.keys[(*path, key)] = place
            result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar_value(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = str(node.value)
        if not node.style:
            for pattern, convert in _PLAIN_SCALARS:
                if pattern.fullmatch(text):
                    if len(text) > _LONGEST_NUMBER:
                        raise YamlError(self.values[path], "a number with too many digits", path=path)
                    return convert(text)
        return self._scalar(text, path, self.values[path])


def _place(mark: Any) -> Place:
    return Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
