"""Read a manifest file. Every problem names its place: ``dialroom.yaml:12:5: numbers[0].number: …``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from telephony.errors import UserError, shortened
from telephony.manifest.agent import READ_TEXT, ReadText
from telephony.manifest.folder import Part, TwiceError, merged, parts_of
from telephony.manifest.model import Manifest
from telephony.manifest.variables import substitute
from telephony.manifest.yaml_tree import Path as KeyPath
from telephony.manifest.yaml_tree import Place, YamlError, YamlTree, parse_yaml

_WORD = re.compile(r"[A-Za-z0-9]{6,}")
_MESSAGES = {
    "missing": "is required",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "string_type": "must be a text; put it in quotes",
    "string_pattern_mismatch": "does not match {pattern}",
    "string_too_short": "must not be empty",
    "literal_error": "must be {expected}",
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `path` is like ``numbers[0].number``, "" for the file as a whole."""

    place: Place
    path: str
    message: str


class ManifestError(UserError):
    """The manifest cannot be used. Its text has one line per problem, in the order of the file."""

    def __init__(self, name: str, found: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(sorted(found, key=lambda problem: (problem.place.file, problem)))
        super().__init__("\n".join(_line(name, problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest, and the text that it comes from: its tree, and the texts that variables were filled into.

    `filled` has the value and what was written, by path. `name` is the file's, or the folder's.
    """

    name: str
    manifest: Manifest
    tree: YamlTree
    filled: Mapping[KeyPath, tuple[str, str]]


def load_manifest(path: Path, *, environ: Mapping[str, str]) -> Manifest:
    """Read and validate a manifest, a file or a folder of them; files that it names are looked up beside it.

    Raises:
        UserError: there is no such file, or it cannot be read.
        ManifestError: everything that is wrong inside it.
    """
    return read_source(path, environ=environ).manifest


def read_source(path: Path, *, environ: Mapping[str, str]) -> Source:
    """Do what `load_manifest` does, and keep where everything comes from."""
    folder = folder_of(path)
    files = parts_of(path) if folder == path else [path]
    trees = [(str(file), _tree(_text(file), name=str(file), environ=environ)) for file in files]
    if len(trees) == 1 and folder != path:
        tree, filled = trees[0][1]
    else:
        tree, filled = _merged(trees)
    return _validated(
        tree, filled, name=str(path), read_text=lambda name: (folder / name).read_text(encoding="utf-8-sig")
    )


def parse_manifest(text: str, *, name: str, environ: Mapping[str, str], read_text: ReadText) -> Manifest:
    """Validate the text of a manifest; `name` stands in front of every problem.

    Raises:
        ManifestError: everything that is wrong.
    """
    tree, filled = _tree(text, name=name, environ=environ)
    return _validated(tree, filled, name=name, read_text=read_text).manifest


def folder_of(path: Path) -> Path:
    """Return the folder that a manifest stands in, or is."""
    try:
        path.stat()
    except FileNotFoundError:
        return path.parent
    except (OSError, ValueError) as error:  # a name that is too long, or with a NUL
        told = getattr(error, "strerror", None) or error
        raise UserError(f"{str(path)[:60]!r}: {told}; name the manifest with DIALROOM_MANIFEST") from None
    return path if path.is_dir() else path.parent


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; name the manifest with DIALROOM_MANIFEST") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error


_Filled = dict[KeyPath, tuple[str, str]]


def _tree(text: str, *, name: str, environ: Mapping[str, str]) -> tuple[YamlTree, _Filled]:
    filled: _Filled = {}

    def scalar(value: str, path: KeyPath, place: Place) -> str:
        try:
            result = substitute(value, environ)
        except ValueError as error:
            raise YamlError(place, str(error), path=path) from error
        if result != value:
            filled[path] = (result, value)
        return result

    try:
        return parse_yaml(text, scalar=scalar), filled
    except YamlError as error:
        raise ManifestError(name, [Problem(error.place, _written(error.path), error.message)]) from error


def _merged(trees: Sequence[tuple[str, tuple[YamlTree, _Filled]]]) -> tuple[YamlTree, _Filled]:
    parts = [Part(name, tree) for name, (tree, _) in trees]
    try:
        tree = merged(parts)
    except TwiceError as error:
        raise ManifestError(error.place.file, [Problem(error.place, _written(error.path), str(error))]) from error
    places = {(place.file, place.line, place.column): path for path, place in tree.values.items()}
    filled: _Filled = {}
    for name, (part, texts) in trees:
        for path, text in texts.items():
            place = part.values[path]
            path_in_all = places.get((name, place.line, place.column))  # a file that is no mapping ends the tree
            if path_in_all is not None:
                filled[path_in_all] = text
    return tree, filled


def _validated(tree: YamlTree, filled: Mapping[KeyPath, tuple[str, str]], *, name: str, read_text: ReadText) -> Source:
    try:
        manifest = Manifest.model_validate(tree.value, context={READ_TEXT: read_text})
    except ValidationError as error:
        raise ManifestError(name, [_untold(problem, filled) for problem in _problems(error, tree)]) from None
    urls = tuple(dict.fromkeys(text for path, text in filled.items() if "stream" in path))
    return Source(name, manifest.with_written_urls(urls) if urls else manifest, tree, filled)


def _untold(problem: Problem, filled: Mapping[KeyPath, tuple[str, str]]) -> Problem:
    """Show ``${NAME}`` instead of what stood in the environment: it may be a key that came into the wrong place."""
    message = problem.message
    for path, (value, written) in filled.items():
        if _written(path).startswith(problem.path) and value:
            for shown in (value, repr(value)[1:-1], value.lower()):
                message = message.replace(shown, written)
            for piece in _WORD.findall(value):  # a message may quote a part of it
                if piece not in written:
                    message = message.replace(piece, "***")
    return replace(problem, message=message)


def _problems(error: ValidationError, tree: YamlTree) -> Iterator[Problem]:
    found = error.errors(include_url=False)
    for details in found:
        if details["type"] == "too_short" and _is_above(details["loc"], found):
            continue  # what is wrong in a list is not counted; that is told already
        path, place = _locate(details, tree)
        yield Problem(place, _written(path), _message(details))


def _locate(details: ErrorDetails, tree: YamlTree) -> tuple[KeyPath, Place]:
    """Find the deepest place that a location names; pydantic's union tags and key marks are no part of the file."""
    path = _deepest(details["loc"], (), tree)[1]
    last = details["loc"][-1] if details["loc"] else None
    about_key = last == "[key]" or "unknown key" in details["msg"]
    place = tree.keys.get(path) if about_key else None
    if details["type"] == "missing" and last is not None:
        return (*path, last), tree.values[path]
    return path, place or tree.values.get(path, Place(1, 1))


def _deepest(loc: KeyPath, path: KeyPath, tree: YamlTree) -> tuple[bool, KeyPath]:
    """Return whether the last part of a location is in the file, and the path there. A tag may be called like a key."""
    if not loc:
        return False, path
    found = [_deepest(loc[1:], path, tree)]
    if (inner := (*path, loc[0])) in tree.values:
        found.append(_deepest(loc[1:], inner, tree) if loc[1:] else (True, inner))
    return max(found, key=lambda one: (one[0], len(one[1])))


def _is_above(loc: KeyPath, found: Sequence[ErrorDetails]) -> bool:
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found)


def _message(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context["error"])
    if details["loc"] and details["loc"][-1] == "[key]":
        return f"the name {details['input']!r} does not match {context.get('pattern', 'the form of a name')}"
    if details["type"] == "too_short":
        least = context["min_length"]
        return "must not be empty" if least == 1 else f"must have at least {least} entries"
    template = _MESSAGES.get(details["type"])
    return details["msg"] if template is None else template.format_map(context)


def _written(path: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in path).removeprefix(".")


def _line(name: str, problem: Problem) -> str:
    where = f"{problem.place.file or name}:{problem.place.line}:{problem.place.column}"
    return f"{where}: {problem.path}: {problem.message}" if problem.path else f"{where}: {problem.message}"
