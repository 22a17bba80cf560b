"""The XML that an Application answers with (D:xml): elements with attributes and text, nothing that XML can do besides.

Document types are refused, so that there are no entities but XML's own five.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

MAX_BYTES = 100 * 1024
MAX_DEPTH = 16


class VoiceXmlError(Exception):
    """A document that the carrier cannot follow."""


@dataclass(kw_only=True)
class Element:
    """One element; `text` is what stands directly in it, without the spaces around."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def flag(self, name: str) -> bool:
        """Return an attribute that is true or false; false without it."""
        return self.attributes.get(name, "false").strip().lower() == "true"

    def number(self, name: str, default: int) -> int:
        """Return an attribute that is a whole number, the default for anything else."""
        text = self.attributes.get(name, "").strip()
        return int(text) if text.isascii() and text.isdigit() else default


def parse_document(data: bytes) -> list[Element]:
    """Return the elements of a ``<Response>``. Raises VoiceXmlError."""
    if len(data) > MAX_BYTES:
        raise VoiceXmlError(f"more than {MAX_BYTES} bytes")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter two: encodings
        raise VoiceXmlError(str(error)) from None
    if builder.root is None or builder.root.name != "Response":
        raise VoiceXmlError("the document is no <Response>")
    return builder.root.children


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name=name, attributes=attributes)
        if len(self._open) >= MAX_DEPTH:
            raise VoiceXmlError(f"elements in each other, deeper than {MAX_DEPTH}")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def text(self, text: str) -> None:
        self._open[-1].text += text


def _refuse_doctype(*_: Any) -> NoReturn:
    raise VoiceXmlError("a document type is not allowed")
