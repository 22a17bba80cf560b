"""An agent profile: what it says, which speech services and model it uses, and what it may do."""

import string
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    model_validator,
)

from telephony.manifest.entry import Entry, Location, problems
from telephony.shown_url import shown_url

ReadText = Callable[[str], str]
"""Returns the text of a file named in the manifest, or raises OSError or UnicodeDecodeError."""

READ_TEXT: Final = "read_text"
"""Key of a `ReadText` in pydantic's validation context."""

BUILT_IN_TOOLS: Final = ("end_call", "current_time")

AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A BCP 47 tag such as ``en`` or ``en-IN``."""
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _http_url(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    if scheme not in {"http", "https"} or not mark or not rest or any(char.isspace() for char in text):
        raise ValueError(f"{shown_url(text)!r} is not an http:// or https:// address")
    return text


HttpUrl = Annotated[str, AfterValidator(_http_url)]


def _instructions(value: Any, info: ValidationInfo) -> Any:
    """Replace the path of a Markdown file by its text; a value with spaces or line breaks is the text itself."""
    read_text: ReadText | None = (info.context or {}).get(READ_TEXT)
    if read_text is None or not isinstance(value, str):
        return value
    if value.endswith(".md") and "\n" not in value:
        return _read(read_text, value)
    if len(value.split()) < 2:
        raise ValueError("write the path of a .md file, or the instructions themselves")
    return value


def _read(read_text: ReadText, name: str) -> str:
    try:
        return read_text(name)
    except OSError as error:
        raise ValueError(f"cannot read {name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text") from error


class SttChoice(Entry):
    """Speech to text. `base_url` None means the environment's DEEPGRAM_BASE_URL, or the service's own."""

    provider: Literal["deepgram"] = "deepgram"
    model: Sentence = "nova-3"
    base_url: HttpUrl | None = None


class LlmChoice(Entry):
    """The language model. `temperature` None means the service's default."""

    provider: Literal["openai"] = "openai"
    model: Sentence = "gpt-4.1-mini"
    base_url: HttpUrl | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)


class TtsChoice(Entry):
    """Text to speech; the voice is part of the model's name."""

    provider: Literal["deepgram"] = "deepgram"
    model: Sentence = "aura-2-andromeda-en"
    base_url: HttpUrl | None = None


class ToolParameter(Entry):
    """One argument that the model gives to a tool; its description is read by the model."""

    type: Literal["string", "integer", "number", "boolean"]
    description: Sentence
    required: bool = True


class HttpTool(Entry):
    """A tool that calls a web service of yours.

    A ``{parameter}`` in the URL is replaced by that argument; the other arguments go into the query (GET) or a JSON
    body (POST).
    """

    name: ToolName
    description: Sentence
    method: Literal["GET", "POST"] = "GET"
    url: HttpUrl
    parameters: dict[ToolName, ToolParameter] = Field(default_factory=dict)
    timeout_s: float = Field(default=5, gt=0, le=60)

    @model_validator(mode="after")
    def _placeholders_are_parameters(self) -> Self:
        found = list(self._wrong_placeholders())
        if found:
            raise problems("HttpTool", found)
        return self

    def _wrong_placeholders(self) -> Iterator[tuple[Location, str]]:
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(self.url) if name is not None]
        except ValueError as error:
            yield ("url",), f"placeholders are written {{name}}: {error}"
            return
        for name in names:
            if name not in self.parameters:
                yield ("url",), f"{{{name}}} is not one of the parameters: {', '.join(self.parameters) or 'none'}"
            elif not self.parameters[name].required:
                yield ("parameters", name, "required"), f"{name!r} stands in the URL, so it must be required"
        if self.name in BUILT_IN_TOOLS:
            yield ("name",), f"{self.name!r} is the name of a built-in tool"


def _tool_kind(value: Any) -> str:
    return "http" if isinstance(value, (dict, HttpTool)) else "built-in"


Tool = Annotated[
    Annotated[Literal["end_call", "current_time"], Tag("built-in")] | Annotated[HttpTool, Tag("http")],
    Discriminator(_tool_kind),
]


class AgentProfile(Entry):
    """One agent: its words, its instructions to the model, its services and its tools."""

    greeting: Sentence
    goodbye: Sentence
    instructions: Annotated[Sentence, BeforeValidator(_instructions)]
    language: Language = "en"
    stt: SttChoice = SttChoice()
    llm: LlmChoice = LlmChoice()
    tts: TtsChoice = TtsChoice()
    tools: tuple[Tool, ...] = ()
    transfers: tuple[TargetName, ...] = ()

    @model_validator(mode="after")
    def _tool_names_differ(self) -> Self:
        found = list(self._repeated_tools())
        if found:
            raise problems("AgentProfile", found)
        return self

    def _repeated_tools(self) -> Iterator[tuple[Location, str]]:
        seen: set[str] = set()
        for index, tool in enumerate(self.tools):
            name = tool if isinstance(tool, str) else tool.name
            if name in seen:
                yield ("tools", index), f"{name!r} is listed twice"
            seen.add(name)
