"""The kinds of objects that we provision, each a small frozen value.

A value has what we declare and nothing else: no server id, no field that we leave to others. Its identity is its name
(`Key`), and it refers to what it needs by name.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal, get_args

Side = Literal["carrier", "livekit"]


class Kind(StrEnum):
    """What an object is; the text is how it is called in plans."""

    INBOUND_TRUNK = "LiveKit trunk"
    DISPATCH_RULE = "LiveKit rule"
    CREDENTIAL = "carrier credential"
    CARRIER_OUTBOUND = "carrier outbound trunk"
    OUTBOUND_TRUNK = "LiveKit outbound trunk"
    CARRIER_TRUNK = "carrier trunk"
    APPLICATION = "carrier application"
    ASSIGNMENT = "number"

    @property
    def rank(self) -> int:
        """Order of creation: LiveKit is ready before the carrier sends a call. Deletion goes the other way."""
        return _RANKS[self]

    @property
    def side(self) -> Side:
        """Which server keeps objects of this kind."""
        livekit = (Kind.INBOUND_TRUNK, Kind.DISPATCH_RULE, Kind.OUTBOUND_TRUNK)
        return "livekit" if self in livekit else "carrier"


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
class Application:
    """The carrier's application: it asks `answer_url` what to do with a call. An empty URL is none."""

    kind: ClassVar = Kind.APPLICATION
    name: str
    answer_url: str
    hangup_url: str = ""
    fallback_url: str = ""

    @property
    def needs(self) -> tuple[Key, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Assignment:
    """A number (E.164) whose calls go to a carrier trunk or to a carrier application: one of the two names is empty."""

    kind: ClassVar = Kind.ASSIGNMENT
    name: str
    trunk: str = ""
    application: str = ""

    @property
    def target(self) -> Key:
        """What gets its calls. A carrier that has both of a number asks the application."""
        if self.application:
            return Key(Kind.APPLICATION, self.application)
        return Key(Kind.CARRIER_TRUNK, self.trunk)

    @property
    def needs(self) -> tuple[Key, ...]:
        """The target."""
        return (self.target,)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Credential:
    """A user name and password with which LiveKit calls out through the carrier; the user name is the identity.

    The carrier never tells a password. `fingerprint` (`provision.secret`) is that of the password that LiveKit has for
    the same user, "" when it has none.
    """

    kind: ClassVar = Kind.CREDENTIAL
    name: str
    fingerprint: str

    @property
    def needs(self) -> tuple[Key, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class CarrierOutbound:
    """The carrier's outbound trunk: calls of whoever knows the credential go to the telephone network."""

    kind: ClassVar = Kind.CARRIER_OUTBOUND
    name: str
    credential: str
    transport: str = "udp"
    enabled: bool = True

    @property
    def needs(self) -> tuple[Key, ...]:
        """The credential."""
        return (Key(Kind.CREDENTIAL, self.credential),)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class OutboundTrunk:
    """LiveKit's outbound trunk: how it calls out, and which caller ids (E.164) it may show.

    `address` is the host of the carrier's outbound trunk; "" while that trunk is not made: it is known then.
    """

    kind: ClassVar = Kind.OUTBOUND_TRUNK
    name: str
    carrier: str
    address: str
    numbers: tuple[str, ...]
    username: str
    fingerprint: str
    transport: str = "udp"

    @property
    def needs(self) -> tuple[Key, ...]:
        """The carrier's trunk, whose address it has."""
        return (Key(Kind.CARRIER_OUTBOUND, self.carrier),)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class InboundTrunk:
    """LiveKit's inbound trunk: which called numbers it takes, and from which addresses (CIDR).

    `numbers` has every form that LiveKit does not match by itself, sorted; never empty, since a LiveKit trunk without
    numbers takes every number. `max_call_s` 0 is no limit; without `codecs` LiveKit offers its own;
    `headers_to_attributes` has ``X-Header=attribute`` texts, sorted.
    """

    kind: ClassVar = Kind.INBOUND_TRUNK
    name: str
    numbers: tuple[str, ...]
    allowed_addresses: tuple[str, ...]
    ringing_timeout_s: int = 30
    krisp: bool = False
    max_call_s: int = 0
    codecs: tuple[str, ...] = ()
    media_encryption: str = "disable"
    headers_to_attributes: tuple[str, ...] = ()

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


Value = (
    InboundTrunk | DispatchRule | Credential | CarrierOutbound | OutboundTrunk | CarrierTrunk | Application | Assignment
)
VALUE_TYPES: dict[Kind, type[Value]] = {kind.kind: kind for kind in get_args(Value)}


def key_of(value: Value) -> Key:
    """Return the identity of a value."""
    return Key(value.kind, value.name)
