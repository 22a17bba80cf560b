"""The manifest as validated, frozen values. `telephony.manifest.load` reads it from YAML."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from telephony.manifest.agent import AgentName, AgentProfile
from telephony.manifest.cidr import VOBIZ_SIGNALLING, Cidr
from telephony.manifest.entry import Entry, Location, problems
from telephony.numbers import NumberError, parse_number

MANIFEST_VERSION: Final = 1

Deployment = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""Part of every name that we give to objects at Vobiz and LiveKit."""


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except NumberError as error:
        raise ValueError(str(error)) from error


def _unquoted(value: object) -> object:
    """A number without quotes and plus sign is an integer to YAML."""
    return str(value) if type(value) is int else value


Number = Annotated[str, BeforeValidator(_unquoted), AfterValidator(_number)]


def parse_sip_host(text: str) -> str:
    """Return a bare ``host`` or ``host:port``, as Vobiz's ``inbound_destination`` wants it.

    Raises:
        ValueError: a scheme, a user or parameters: Vobiz stores ``sip:host``, and callers then hear "invalid number".
    """
    if not text or any(mark in text for mark in "@;/ <>") or text.lower().startswith(("sip:", "sips:")):
        raise ValueError(f"{text!r} must be a bare host name or host:port, without sip: and without a user")
    return text


SipHost = Annotated[str, AfterValidator(parse_sip_host)]


class AgentRoute(Entry):
    """Calls go to an agent of this manifest."""

    agent: str


class NumberEntry(Entry):
    """One number and where its calls go."""

    number: Number
    route: AgentRoute


class LiveKitTarget(Entry):
    """Where LiveKit takes calls: the public address of livekit-sip."""

    sip_host: SipHost


def _not_empty(ranges: tuple[str, ...]) -> tuple[str, ...]:
    if not ranges:
        raise ValueError("must not be empty: LiveKit would then accept calls from everywhere")
    return ranges


class VobizTarget(Entry):
    """Where Vobiz's calls come from."""

    signalling: Annotated[tuple[Cidr, ...], AfterValidator(_not_empty)] = VOBIZ_SIGNALLING


class Manifest(Entry):
    """Everything that a deployment wants, in one value."""

    version: Literal[1]
    deployment: Deployment
    numbers: tuple[NumberEntry, ...] = ()
    agents: dict[AgentName, AgentProfile] = Field(min_length=1)
    livekit: LiveKitTarget
    vobiz: VobizTarget = VobizTarget()

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        found = [*self._unknown_agents(), *self._repeated_numbers()]
        if found:
            raise problems("Manifest", found)
        return self

    def _unknown_agents(self) -> Iterator[tuple[Location, str]]:
        for index, entry in enumerate(self.numbers):
            name = entry.route.agent
            if name not in self.agents:
                yield (
                    ("numbers", index, "route", "agent"),
                    f"no agent named {name!r}; agents are: {', '.join(sorted(self.agents))}",
                )

    def _repeated_numbers(self) -> Iterator[tuple[Location, str]]:
        seen: set[str] = set()
        for index, entry in enumerate(self.numbers):
            if entry.number in seen:
                yield ("numbers", index, "number"), f"{entry.number} is listed twice"
            seen.add(entry.number)
