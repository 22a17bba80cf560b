"""The lines of a session description, put into its sections (RFC 8866 section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Section:
    """The session's lines, or those of one m= line, whose text without ``m=`` is `line`."""

    line: str = ""
    media_type: str = ""
    port: int = 0
    profile: str = ""
    formats: tuple[int, ...] = ()
    connection: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    rtpmaps: dict[int, str] = field(default_factory=dict)


def read_sections(data: bytes) -> tuple[Section, list[Section]]:
    """Return the session's section and those of the media. Raises ValueError for what is no SDP."""
    lines = [line.strip() for line in data.decode(errors="replace").splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        raise ValueError("it does not begin with v=0")
    session, media = Section(), list[Section]()
    for line in lines[1:]:
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            raise ValueError("a line is not of the form x=value")
        if kind == "m":
            media.append(_media(value))
        else:
            _take(media[-1] if media else session, kind, value)
    return session, media


def _media(value: str) -> Section:
    media_type, port, profile, *formats = value.split()
    numbers = tuple(int(text) for text in formats) if media_type == "audio" else ()
    if not all(0 <= number <= 127 for number in numbers):
        raise ValueError("a payload type is outside 0-127")
    number = int(port.split("/")[0])
    if not 0 <= number <= 65535:
        raise ValueError("a port is outside 0-65535")
    return Section(value, media_type, number, profile, numbers)


def _take(section: Section, kind: str, value: str) -> None:
    if kind == "c":
        section.connection = value
    elif kind == "a":
        name, _, text = value.partition(":")
        if name == "rtpmap":
            number, _, mapped = text.strip().partition(" ")
            section.rtpmaps[int(number)] = mapped.strip()
        else:
            section.attributes[name] = text.strip()
