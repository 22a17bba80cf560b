"""Logging of the worker: static messages; what is said of a call stands in fields.

A field whose name begins with `pii_` holds personal data (numbers, words, keys) and is left out unless it is asked for.
What other libraries log is not ours to trust: of their records only the first line of the message is kept, with long
runs of digits masked, and none of their fields.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

OURS: Final = "dialroom"
FIELDS_OF_CALL: ContextVar[Mapping[str, str]] = ContextVar("fields_of_call", default={})  # noqa: B039 - never changed
"""What every record of a call bears, in a process that has many calls."""
LogFormat = Literal["text", "json"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "exc_text"}
_PERSONAL = frozenset({"room"})  # livekit-sip puts the caller's number into the room's name
_NOISE = frozenset({"pid", "agent_name"})
_KEPT_OF_OTHERS = frozenset({"call_id", "agent", "job_id", "error", "error_at"})
_LONG_NUMBER = re.compile(r"\+?\d(?:[ -]?\d){5,}")
_TOLD_FRAMES = 4
_LEVELS = {
    "livekit.agents": logging.WARNING,
    "livekit": logging.ERROR,
    "asyncio": logging.ERROR,
    "httpx2": logging.ERROR,
    "openai": logging.ERROR,
    "aiohttp": logging.ERROR,
}


class FieldFormatter(logging.Formatter):
    """A record as one line: text with `key=value` pairs, or JSON."""

    def __init__(self, form: LogFormat, *, personal: bool) -> None:
        super().__init__()
        self._form, self._personal = form, personal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {key: value for key, value in vars(record).items() if self._told(record, key)}
        at, message = datetime.fromtimestamp(record.created, UTC), self._message(record)
        if self._form == "json":
            head = {"at": at.isoformat(), "level": record.levelname, "logger": record.name, "message": message}
            return json.dumps(head | fields, default=str, ensure_ascii=False)
        pairs = "".join(f" {key}={value}" for key, value in fields.items())
        return f"{at:%H:%M:%S.%f}"[:-3] + f" {record.levelname.lower():7} {message}{pairs}"

    def _message(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if self._personal or _is_ours(record):
            return message
        return _LONG_NUMBER.sub("…", message.partition("\n")[0])

    def _told(self, record: logging.LogRecord, key: str) -> bool:
        if key in _STANDARD or key in _NOISE:
            return False
        if self._personal:
            return True
        if key in _PERSONAL or key.startswith("pii_"):
            return False
        return _is_ours(record) or key in _KEPT_OF_OTHERS


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == OURS


class ErrorsAsFields(logging.Filter):
    """Turns a record's exception into fields: its type and place, and its text, which may quote a caller."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; let it pass."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.error, record.error_at = type(error).__name__, _place(error)
            record.pii_error = str(error)
        record.exc_info = record.exc_text = None
        return True


class FieldsOfCall(logging.Filter):
    """Gives a record the fields of the call in whose context it is made."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; let it pass."""
        for name, value in FIELDS_OF_CALL.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


def _place(error: BaseException) -> str:
    frames = list(traceback.walk_tb(error.__traceback__))[-_TOLD_FRAMES:]
    places = ((frame.f_code, line) for frame, line in reversed(frames))
    return " < ".join(f"{Path(code.co_filename).name}:{line} {code.co_name}" for code, line in places)


def configure_logging(form: LogFormat, *, personal: bool) -> None:
    """Send everything of this process, and of the job processes that report to it, to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter(form, personal=personal))
    handler.addFilter(FieldsOfCall())
    handler.addFilter(ErrorsAsFields())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)


def keep_errors_as_fields() -> None:
    """In a job process: the handler there would write tracebacks into the message before it reaches the parent."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(ErrorsAsFields())
