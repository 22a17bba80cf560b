"""Logging of the worker: static messages; what is said of a call stands in fields.

A field whose name begins with `pii_` holds personal data (numbers, words, keys) and is left out unless it is asked for.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
NUMBER_INSIDE = frozenset({"room"})  # LiveKit puts the caller's number into the room's name
QUIET = ("livekit", "asyncio", "httpx2", "openai", "aiohttp")


class FieldFormatter(logging.Formatter):
    """A record as one line: text with `key=value` pairs, or JSON."""

    def __init__(self, form: Literal["text", "json"], *, personal: bool) -> None:
        super().__init__()
        self._form, self._personal = form, personal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD and self._may(key)}
        at = datetime.fromtimestamp(record.created, UTC)
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = self._error(record.exc_info[1])
        if self._form == "json":
            told = {
                "at": at.isoformat(),
                "level": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
            }
            return json.dumps(told | fields, default=str)
        pairs = "".join(f" {key}={value}" for key, value in fields.items())
        return f"{at:%H:%M:%S.%f}"[:-3] + f" {record.levelname.lower():7} {record.getMessage()}{pairs}"

    def _may(self, key: str) -> bool:
        return self._personal or not (key.startswith("pii_") or ".pii" in key or key in NUMBER_INSIDE)

    def _error(self, error: BaseException) -> str:
        """Name an exception; its text may quote what a caller said, so it is personal data too."""
        return f"{type(error).__name__}: {error}" if self._personal else type(error).__name__


def configure_logging(form: Literal["text", "json"], *, personal: bool) -> None:
    """Send everything to stderr; foreign loggers from warning on."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter(form, personal=personal))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
