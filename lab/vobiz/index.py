"""Looking numbers up without reading them all."""

from collections.abc import Iterable, Mapping
from typing import Any


class NumberIndex:
    """Which numbers point where, and which contain some digits."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], dict[str, None]] = {}
        self._text: str | None = None

    def point(self, e164: str, name: str, old: str | None, new: str | None) -> None:
        """Note that a field of a number changed."""
        if old:
            self._at.get((name, old), {}).pop(e164, None)
        if new:
            self._at.setdefault((name, new), {})[e164] = None

    def at(self, name: str, target: str) -> list[str]:
        """Return the numbers whose field has this value, in the order in which they came."""
        return list(self._at.get((name, target), ()))

    def changed(self) -> None:
        """Numbers were added or removed."""
        self._text = None

    def containing(self, text: str, numbers: Mapping[str, Any]) -> list[str]:
        """Return the numbers that contain a text, in their order."""
        if not text or "\n" in text:
            return list(numbers) if not text else []
        whole = self._whole(numbers)
        found: dict[str, None] = {}
        place = whole.find(text)
        while place >= 0:
            start, end = whole.rfind("\n", 0, place) + 1, whole.find("\n", place)
            found[whole[start:end]] = None
            place = whole.find(text, end)
        return list(found)

    def _whole(self, numbers: Iterable[str]) -> str:
        if self._text is None:
            self._text = "".join(f"{e164}\n" for e164 in numbers)
        return self._text
