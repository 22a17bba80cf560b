"""What a caller does, as YAML: a list of steps, or a mapping with `steps` and settings of the call.

- hear: {timeout_s: 20}
- say: "What are your opening hours?"
- say: ["My number is", 0.7, "four two"]        # numbers are pauses in seconds
- barge_in: {after_s: 1.0, say: "Wait."}
- digits: "12#"
- wait: 2
- meet: {timeout_s: 60}                         # the human whom the agent has dialled greets the caller
- hang_up
- expect_hang_up: {timeout_s: 20}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lab.caller.caller import NETWORK_CODECS, RING_TIMEOUT_S
from lab.caller.phone_call import END_OF_TURN_S
from lab.caller.speech import Part
from lab.media.codec import CodecName
from lab.media.packet import DTMF_DIGITS
from telephony.errors import UserError
from telephony.manifest.yaml_tree import Path as KeyPath
from telephony.manifest.yaml_tree import Place, YamlError, YamlTree, parse_yaml

Seconds = Annotated[float, Field(gt=0, le=3600)]
_LONGEST_TEXT, _LONGEST_PAUSE_S = 2000, 60.0


def _bounded(part: Part) -> Part:
    if isinstance(part, str) and len(part) > _LONGEST_TEXT:
        raise ValueError(f"at most {_LONGEST_TEXT} characters, not {len(part)}")
    if not isinstance(part, str) and not 0 < part <= _LONGEST_PAUSE_S:
        raise ValueError(f"a pause lasts more than 0 and at most {_LONGEST_PAUSE_S:g} seconds")
    return part


Said = Annotated[tuple[Annotated[Part, AfterValidator(_bounded)], ...], Field(min_length=1, max_length=100)]
"""What one turn of the caller is: words, and pauses between them in seconds."""
_BARE_STEPS = ("hang_up", "hear", "meet", "expect_hang_up")


class ScriptError(UserError):
    """A script that cannot be followed; the text begins with ``file:line:column``."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hear(_Model):
    """Wait until the agent has spoken and was silent for `silence_s`. `timeout_s` is for its first sound."""

    timeout_s: Seconds = 20.0
    silence_s: Seconds = END_OF_TURN_S


class BargeIn(_Model):
    """Speak when the agent has spoken for `after_s`."""

    after_s: Seconds
    say: Said
    timeout_s: Seconds = 20.0

    _listed = field_validator("say", mode="before")(lambda given: _listed(given))


class Meet(_Model):
    """Wait until a human has greeted the caller: the one of `dialroom call --human`."""

    timeout_s: Seconds = 60.0


class ExpectHangUp(_Model):
    """The agent must end the call."""

    timeout_s: Seconds = 20.0


class Step(_Model):
    """One thing that the caller does; exactly one of the fields is set."""

    hear: Hear | None = None
    say: Said | None = None
    barge_in: BargeIn | None = None
    digits: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    wait: Seconds | None = None
    meet: Meet | None = None
    hang_up: Literal[True] | None = None
    expect_hang_up: ExpectHangUp | None = None

    _listed = field_validator("say", mode="before")(lambda given: _listed(given))

    @field_validator("digits")
    @classmethod
    def _are_digits(cls, given: str | None) -> str | None:
        if given and not set(given.upper()) <= set(DTMF_DIGITS):
            raise ValueError(f"only {' '.join(DTMF_DIGITS)} can be pressed")
        return given

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        if isinstance(given, str) and given in _BARE_STEPS:
            return {given: True if given == "hang_up" else {}}
        if not isinstance(given, dict) or len(given) != 1:
            raise ValueError(f"a step has exactly one of: {', '.join(cls.model_fields)}")
        return {key: {} if value is None and key in _BARE_STEPS[1:] else value for key, value in given.items()}


class Script(_Model):
    """Steps, and how the call is made. `passed` results need every step to go as written."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=1000)]
    ring_timeout_s: Seconds = RING_TIMEOUT_S
    codecs: Annotated[tuple[CodecName, ...], Field(min_length=1)] = NETWORK_CODECS

    def sentences(self) -> Iterator[tuple[Part, ...]]:
        """Yield everything that will be said, to have it spoken before the call."""
        for step in self.steps:
            if step.say:
                yield step.say
            if step.barge_in:
                yield step.barge_in.say


def load_script(path: Path) -> Script:
    """Read a script. Raises ScriptError with the place of every kind of mistake."""
    try:
        text = path.read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse_script(text, name=str(path))


def parse_script(text: str, *, name: str = "script") -> Script:
    """Read a script from its text; `name` stands before line and column in errors. Raises ScriptError."""
    try:
        tree = parse_yaml(text, scalar=lambda value, _path, _place: value)
    except YamlError as error:
        raise _error(name, error.place, error.message) from error
    listed = isinstance(tree.value, list)
    try:
        return Script.model_validate({"steps": tree.value} if listed else tree.value)
    except ValidationError as error:
        first = error.errors()[0]
        place, path = _place_of(tree, first["loc"], listed=listed)
        where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
        raise _error(name, place, f"{where}: {_words(first)}" if where else _words(first)) from error


def _place_of(tree: YamlTree, location: tuple[int | str, ...], *, listed: bool) -> tuple[Place, KeyPath]:
    """Return the deepest place that the file has of a location; pydantic's may name more than the file does."""
    path = tuple(location[1:] if listed and location[:1] == ("steps",) else location)
    while path and path not in tree.values:
        path = path[:-1]
    return tree.keys.get(path) or tree.values.get(path) or Place(1, 1), path


def _words(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"no such key: {error['loc'][-1]}"
    if error["type"] == "missing":
        return f"{error['loc'][-1]} is missing"
    return message[:1].lower() + message[1:]


def _error(name: str, place: Place, message: str) -> ScriptError:
    return ScriptError(f"{name}:{place.line}:{place.column}: {message}")


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given
