"""Calling out through the carrier: with which login, and which numbers may be shown. No password ever stands here."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from telephony.manifest.call_settings import Number
from telephony.manifest.entry import Entry
from telephony.manifest.route import Transport

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3,40}$")]
"""Vobiz documents letters and digits only."""


def _reference(given: Any) -> Any:
    if isinstance(given, str):
        raise ValueError("must not be written here: name where it is, as {env: NAME} or {file: PATH}")
    return given


class SecretReference(Entry):
    """Where a secret is: in an environment variable, or alone in a file."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("write exactly one of env and file")
        return self

    def __str__(self) -> str:
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"


class Outbound(Entry):
    """How calls leave. `caller_ids` are numbers of the manifest; ``all`` is every one of them."""

    username: Username
    password: Annotated[SecretReference, BeforeValidator(_reference)]
    caller_ids: Literal["all"] | Annotated[tuple[Number, ...], Field(min_length=1)] = "all"
    transport: Transport = "udp"
