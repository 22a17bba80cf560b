"""Calling out through the carrier: with which login, and which numbers may be shown. No password ever stands here."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from telephony.manifest.call_settings import Number
from telephony.manifest.entry import Entry
from telephony.manifest.route import Transport

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3,40}$")]
"""Vobiz documents letters and digits only."""


Command = tuple[Annotated[str, StringConstraints(min_length=1)], ...]
"""A program and its arguments, without a shell."""


def _reference(given: Any) -> Any:
    if isinstance(given, str):
        raise ValueError("must not be written here: name where it is, as {env: NAME} or {file: PATH}")
    return given


class SecretReference(Entry):
    """Where a secret is: in an environment variable, alone in a file, or what a command prints.

    A secret that is made for the manifest is kept there: as a line of `env_file`, in the file, or by the command
    `store`, which gets it on its standard input.
    """

    env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    env_file: Path = Path(".env")
    file: Path | None = None
    command: Command = ()
    store: Command = ()

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(bool(given) for given in (self.env, self.file, self.command)) != 1:
            raise ValueError("write exactly one of env, file and command")
        return self

    def __str__(self) -> str:
        if self.command:
            return f"the command {self.command[0]}"
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"


class Outbound(Entry):
    """How calls leave. `caller_ids` are numbers of the manifest; ``all`` is every one of them.

    Without `username` the deployment has one of its own.
    """

    username: Username | None = None
    password: Annotated[SecretReference, BeforeValidator(_reference)]
    caller_ids: Literal["all"] | Annotated[tuple[Number, ...], Field(min_length=1)] = "all"
    transport: Transport = "udp"
