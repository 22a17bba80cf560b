"""Keys that the caller pressed → one message for the model."""

from __future__ import annotations

from dataclasses import dataclass, field

END_KEY = "#"
PAUSE_S = 1.5
"""An entry ends this long after its last key (or with `END_KEY`)."""


@dataclass(slots=True)
class DigitEntry:
    """Collects keys until the entry ends. Holds no clock: the caller of `finish` has it."""

    _keys: list[str] = field(default_factory=list)

    def press(self, key: str) -> str | None:
        """Add a key (0-9 * #); return the message when the key ends the entry."""
        self._keys.append(key)
        return self.finish() if key == END_KEY else None

    def finish(self) -> str | None:
        """Return the message for what was pressed since the last one, None when that is nothing."""
        keys, self._keys = self._keys, []
        return f"The caller pressed {' '.join(keys)}" if keys else None
