"""The manifest as validated, frozen values. `telephony.manifest.load` reads it from YAML."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, StringConstraints, model_validator

from telephony.manifest.agent import AgentName, AgentProfile, TargetName
from telephony.manifest.cidr import VOBIZ_SIGNALLING, Cidr
from telephony.manifest.entry import Entry, Location, problems
from telephony.manifest.number_lines import NumberEntry, NumberSettings, expanded
from telephony.manifest.outbound import Outbound
from telephony.manifest.rates import Rates
from telephony.manifest.targets import AFTER_KEYS, Target, TargetAfter
from telephony.shown_url import Written

MANIFEST_VERSION: Final = 1
_MOST_PORT: Final = 65535
_HOST_PORT: Final = re.compile(
    r"(?:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9.])?)|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
)
"""RFC 3261 section 25.1, hostport; a port in its place of up to five digits."""

Deployment = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""Part of every name that we give to objects at Vobiz and LiveKit."""
TemplateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


def parse_sip_host(text: str) -> str:
    """Return a bare ``host`` or ``host:port``, as Vobiz's ``inbound_destination`` wants it.

    Raises:
        ValueError: a scheme, a user or parameters: Vobiz stores ``sip:host``, and callers then hear "invalid number".
    """
    if text.lower().startswith(("sip:", "sips:")) or not _is_host_port(text):
        raise ValueError(f"{text!r} must be a bare host name or host:port, without sip: and without a user")
    return text


def _is_host_port(text: str) -> bool:
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        return False
    host, port = found.group("name") or found.group("v6"), found.group("port")
    if found.group("v6"):
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
    return port is None or 1 <= int(port) <= _MOST_PORT


SipHost = Annotated[str, AfterValidator(parse_sip_host)]


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
    agents: dict[AgentName, AgentProfile] = Field(min_length=1)
    templates: dict[TemplateName, NumberSettings] = Field({}, repr=False)
    numbers: Annotated[tuple[NumberEntry, ...], BeforeValidator(expanded)] = ()
    livekit: LiveKitTarget
    vobiz: VobizTarget = VobizTarget()
    outbound: Outbound | None = None
    targets: dict[TargetName, Target] = Field({})
    rates: Rates = Rates()
    _written_urls: Written = PrivateAttr(())

    @property
    def written_urls(self) -> Written:
        """The URLs that variables were filled into, for `telephony.shown_url`."""
        return self._written_urls

    def with_written_urls(self, written: Written) -> Self:
        """Return the manifest with them."""
        kept = self.model_copy()
        kept._written_urls = written
        return kept

    @model_validator(mode="after")
    def _transfers_can_be_made(self) -> Self:
        found: list[tuple[Location, str]] = []
        for name, agent in self.agents.items():
            for index, wanted in enumerate(agent.transfers):
                if wanted not in self.targets:
                    known = ", ".join(sorted(self.targets)) or "none"
                    found.append(
                        (("agents", name, "transfers", index), f"no target named {wanted!r}; targets are: {known}")
                    )
        for name, target in self.targets.items():
            found += [(("targets", name, *where), told) for where, told in self._target_problems(name, target)]
        if found:
            raise problems("Manifest", found)
        return self

    def _target_problems(self, name: str, target: Target) -> Iterator[tuple[Location, str]]:
        for index, person in enumerate(target.people):
            if person.uri is None and self.outbound is None:
                yield (
                    ("people", index),
                    "a telephone number is reached by `outbound`, which is not there; or write a SIP URI",
                )
        if target.caller_id is not None and target.caller_id not in {entry.number for entry in self.numbers}:
            yield (
                ("caller_id",),
                f"{target.caller_id} is no number of this manifest: the carrier refuses calls that show it",
            )
        for key in AFTER_KEYS:
            after = getattr(target, key)
            if isinstance(after, TargetAfter) and after.target not in self.targets:
                known = ", ".join(sorted(self.targets))
                yield (key,), f"no target named {after.target!r}; targets are: {known}"
            elif isinstance(after, TargetAfter) and after.target == name:
                yield (key,), f"{name!r} is the target itself"

    @model_validator(mode="after")
    def _calls_out_with_its_own_numbers(self) -> Self:
        if self.outbound is None:
            return self
        listed = {entry.number for entry in self.numbers}
        shown = listed if self.outbound.caller_ids == "all" else set(self.outbound.caller_ids)
        if not shown:
            raise problems("Manifest", [(("outbound",), "calling out needs a number to show: list one under numbers")])
        if strange := sorted(shown - listed):
            told = f"{strange[0]} is no number of this manifest: the carrier refuses calls that show it"
            raise problems("Manifest", [(("outbound", "caller_ids"), told)])
        return self
