"""The base of every manifest model: frozen, no unknown keys, and problems that say where they are."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

Location = tuple[str | int, ...]


def problems(title: str, found: Iterable[tuple[Location, str]]) -> ValidationError:
    """Return a validation error with one entry per (location relative to the model, message)."""
    return ValidationError.from_exception_data(
        title,
        [
            # The braces of a message are no placeholders.
            InitErrorDetails(type=PydanticCustomError("manifest", "{message}", {"message": text}), loc=loc, input=None)
            for loc, text in found
        ],
    )


class Entry(BaseModel):
    """A mapping in the manifest whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        """Report unknown keys before anything else, so that a misspelt key is not also reported as missing."""
        if isinstance(data, dict):
            unknown = [key for key in data if key not in cls.model_fields]
            if unknown:
                raise problems(cls.__name__, [((key,), cls._unknown_key(str(key))) for key in unknown])
        return data

    @classmethod
    def _unknown_key(cls, key: str) -> str:
        known = sorted(cls.model_fields)
        close = difflib.get_close_matches(key, known, n=1)
        if close:
            return f"unknown key; did you mean {close[0]!r}?"
        return f"unknown key; keys here are: {', '.join(known)}"
