"""The kinds of objects that we provision, each a small frozen value.

A value has what we declare and nothing else: no server id, no field that we leave to others. Its identity is its name
(`Key`), and it refers to what it needs by name.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

Side = Literal["carrier", "livekit"]


class Kind(StrEnum):
    """What an object is; the text is how it is called in plans."""

    INBOUND_TRUNK = "LiveKit trunk"
    DISPATCH_RULE = "LiveKit rule"
    CARRIER_TRUNK = "carrier trunk"
    ASSIGNMENT = "number"

    @property
    def rank(self) -> int:
        """Order of creation: LiveKit is ready before the carrier sends a call. Deletion goes the other way."""
        return _RANKS[self]

    @property
    def side(self) -> Side:
        """Which server keeps objects of this kind."""
        return "livekit" if self in (Kind.INBOUND_TRUNK, Kind.DISPATCH_RULE) else "carrier"


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The identity of an object: its kind and its name, unique within a deployment."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class CarrierTrunk:
    """The carrier's inbound trunk: the calls of its numbers go to `inbound_destination` (``host`` or ``host:port``)."""

    kind: ClassVar = Kind.CARRIER_TRUNK
    name: str
    inbound_destination: str
    transport: str = "udp"
    enabled: bool = True

    @property
    def needs(self) -> tuple[Key, ...]:
        """Nothing: a trunk may stand alone."""
        return ()


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Assignment:
    """A number (E.164) whose calls go to a carrier trunk."""

    kind: ClassVar = Kind.ASSIGNMENT
    name: str
    trunk: str

    @property
    def needs(self) -> tuple[Key, ...]:
        """The trunk."""
        return (Key(Kind.CARRIER_TRUNK, self.trunk),)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class InboundTrunk:
    """LiveKit's inbound trunk: which called numbers it takes, and from which addresses (CIDR).

    `numbers` has every form that LiveKit does not match by itself, sorted; never empty, since a LiveKit trunk without
    numbers takes every number.
    """

    kind: ClassVar = Kind.INBOUND_TRUNK
    name: str
    numbers: tuple[str, ...]
    allowed_addresses: tuple[str, ...]
    ringing_timeout_s: int = 30
    krisp: bool = False

    @property
    def needs(self) -> tuple[Key, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class DispatchRule:
    """LiveKit's dispatch rule: every call of `trunks` gets a room of its own and the named worker.

    `agent_metadata` is a `telephony.dispatch.DispatchMetadata` as JSON. `restrictions` names what narrows the rule
    further (a pin, caller numbers); ours have none.
    """

    kind: ClassVar = Kind.DISPATCH_RULE
    name: str
    trunks: tuple[str, ...]
    room_prefix: str
    agent_name: str
    agent_metadata: str
    restrictions: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[Key, ...]:
        """Its trunks."""
        return tuple(Key(Kind.INBOUND_TRUNK, name) for name in self.trunks)


Value = CarrierTrunk | Assignment | InboundTrunk | DispatchRule
VALUE_TYPES: dict[Kind, type[Value]] = {
    Kind.CARRIER_TRUNK: CarrierTrunk,
    Kind.ASSIGNMENT: Assignment,
    Kind.INBOUND_TRUNK: InboundTrunk,
    Kind.DISPATCH_RULE: DispatchRule,
}


def key_of(value: Value) -> Key:
    """Return the identity of a value."""
    return Key(value.kind, value.name)
