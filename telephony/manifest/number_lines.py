"""Lines under ``numbers:`` → one entry per number: single numbers, lists, ranges, with or without a template."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationInfo, model_validator

from telephony.manifest.call_settings import CallSettings, Codec, Encryption, Limits, Number, check_mapping
from telephony.manifest.entry import Entry, Location, problems
from telephony.manifest.route import AgentRoute, Route, SplitRoute, StreamRoute

LONGEST_RANGE = 100_000


class NumberEntry(Entry):
    """One number, where its calls go and how they are treated."""

    number: Number
    route: Route
    settings: CallSettings = CallSettings()
    labels: tuple[tuple[str, str], ...] = ()


def _label_pairs(given: Any) -> Any:
    return tuple(sorted(given.items())) if isinstance(given, dict) else given


class NumberSettings(Entry):
    """What a line or a template may say; None is: nothing."""

    route: Route | None = None
    labels: Annotated[tuple[tuple[str, str], ...] | None, BeforeValidator(_label_pairs)] = None
    limits: Limits | None = None
    codecs: tuple[Codec, ...] | None = None
    media_encryption: Encryption | None = None
    headers_to_attributes: Annotated[dict[str, str], AfterValidator(check_mapping)] | None = None
    krisp: bool | None = None


class NumberRange(Entry):
    """All numbers from the first to the last one."""

    first: Number
    last: Number

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if len(self.first) != len(self.last) or self.last < self.first:
            raise ValueError(f"{self.first} to {self.last} is no range: write the lower number first, both as long")
        if int(self.last) - int(self.first) >= LONGEST_RANGE:
            raise ValueError(f"{self.first} to {self.last} has more than {LONGEST_RANGE} numbers")
        return self

    def numbers(self) -> Iterator[str]:
        """Yield every number, E.164."""
        for number in range(int(self.first), int(self.last) + 1):
            yield f"+{number}"


class NumberLine(NumberSettings):
    """One line of the list: exactly one of `number`, `numbers` and `range`."""

    number: Number | None = None
    numbers: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    range: NumberRange | None = None
    template: str | None = None

    @model_validator(mode="after")
    def _names_numbers(self) -> Self:
        if sum(given is not None for given in (self.number, self.numbers, self.range)) != 1:
            raise ValueError("write exactly one of number, numbers and range")
        return self

    def all_numbers(self) -> Iterator[str]:
        """Yield the line's numbers, E.164."""
        if self.number is not None:
            yield self.number
        yield from self.numbers or ()
        if self.range is not None:
            yield from self.range.numbers()


_LINES: TypeAdapter[tuple[NumberLine, ...]] = TypeAdapter(tuple[NumberLine, ...])


def expanded(value: Any, info: ValidationInfo) -> Any:
    """Turn lines into entries. Needs `agents` and `templates` to have been read before; entries pass as they are."""
    if isinstance(value, (tuple, list)) and any(isinstance(item, NumberEntry) for item in value):
        return value
    lines = _LINES.validate_python(value, context=info.context)
    templates: Mapping[str, NumberSettings] | None = info.data.get("templates")  # None: they are told already
    agents = info.data.get("agents")
    found: list[tuple[Location, str]] = []
    entries: list[NumberEntry] = []
    places: dict[str, int] = {}
    for index, line in enumerate(lines):
        settings = _settings(line, templates or {})
        route = settings.route
        found += [((index, *where), text) for where, text in _wrong(line, settings, templates, agents)]
        calls = _call_settings(settings)
        for number in line.all_numbers():
            if number in places:
                first = "" if places[number] == index else f" (first in numbers[{places[number]}])"
                found.append(((index, _key(line)), f"{number} is listed twice{first}"))
            places[number] = index
            if route is not None:
                entries.append(
                    NumberEntry.model_construct(
                        number=number, route=route, settings=calls, labels=settings.labels or ()
                    )
                )
    if found:
        raise problems("Manifest", found)
    return tuple(entries)


def _settings(line: NumberLine, templates: Mapping[str, NumberSettings]) -> NumberSettings:
    """Lay what a line says over its template."""
    base = templates.get(line.template) if line.template else None
    names = NumberSettings.model_fields
    said = {name: getattr(line, name) for name in names if getattr(line, name) is not None}
    return base.model_copy(update=said) if base else NumberSettings.model_construct(**said)


def _wrong(
    line: NumberLine, settings: NumberSettings, templates: Mapping[str, NumberSettings] | None, agents: Any
) -> Iterator[tuple[Location, str]]:
    if line.template and templates is None:
        pass
    elif line.template and templates is not None and line.template not in templates:
        known = ", ".join(sorted(templates)) or "none"
        yield ("template",), f"no template named {line.template!r}; templates are: {known}"
    elif settings.route is None:
        yield (), "route is missing, here or in the template"
    if agents is not None and isinstance(settings.route, (AgentRoute, SplitRoute, StreamRoute)):
        for name in settings.route.agents:
            if name not in agents:
                yield _place(settings.route), f"no agent named {name!r}; agents are: {', '.join(sorted(agents))}"


def _place(route: AgentRoute | SplitRoute | StreamRoute) -> Location:
    match route:
        case AgentRoute():
            return ("route", "agent")
        case SplitRoute():
            return ("route", "split")
        case StreamRoute():
            return ("route", "stream", "agent")


def _call_settings(settings: NumberSettings) -> CallSettings:
    names = CallSettings.model_fields
    return CallSettings(**{name: getattr(settings, name) for name in names if getattr(settings, name) is not None})


def _key(line: NumberLine) -> str:
    return next(name for name in ("number", "numbers", "range") if getattr(line, name) is not None)
