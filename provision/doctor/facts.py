"""Everything that the checks judge, as it was read. Pure values; what could not be read says why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from provision.observed import Observed
from provision.routing.world import SipService, World
from telephony.manifest.model import Manifest
from telephony.manifest.route import AgentRoute, SplitRoute

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a fact that could not be read. `reason` continues ``Not looked at: `` and has no full stop."""

    reason: str


class Contact(StrEnum):
    """What came of asking a server something that needs the key."""

    ANSWERS = "it answers"
    SILENT = "no answer"
    DENIES = "it refuses the key"
    REFUSES = "it answers with an error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """How far a server's clock is ahead of ours, in seconds, give or take `uncertainty_s`."""

    seconds: float
    uncertainty_s: float

    @property
    def least_s(self) -> float:
        """How far apart the clocks are at least."""
        return max(0.0, abs(self.seconds) - self.uncertainty_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The carrier's API or LiveKit. `detail` is why a contact failed, without a full stop."""

    name: str
    url: str
    contact: Contact
    clock: Offset | Unknown
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the carrier account may do; None is not told. `calls_limit` is calls at once, `cps_limit` per second."""

    is_trial: bool | None = None
    calls_limit: int | None = None
    cps_limit: int | None = None
    currency: str = "INR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The account's money. `low` is the threshold below which the carrier itself warns; None is not told."""

    available: float | None
    currency: str
    is_postpaid: bool = False
    low: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many calls are live in the account, and how many may be; None is not told."""

    live: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SipAnswer:
    """What came of an OPTIONS over UDP: a status, None for silence; `is_refused` when the host says nobody listens."""

    address: str
    status: int | None = None
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SipHost:
    """The manifest's ``livekit.sip_host`` as this machine sees it. Without `addresses`, `failure` says why."""

    addresses: tuple[str, ...]
    failure: str = ""
    answer: SipAnswer | Unknown = Unknown("nobody was asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is there and what is wanted.

    `stock` is the carrier's side of the deployment, `world` LiveKit's (without the carrier's). `expected_calls` is how
    many calls at once are expected; None is not known.
    """

    manifest: Manifest
    carrier: Server
    livekit: Server
    account: Account | Unknown
    balance: Balance | Unknown
    load: Load | Unknown
    stock: Observed | Unknown
    world: World | Unknown
    sip_host: SipHost
    expected_calls: int | None = None

    @property
    def is_carrier_local(self) -> bool:
        """Whether the carrier is a stand-in on this machine."""
        return is_loopback(self.carrier.url)

    @property
    def is_livekit_used(self) -> bool:
        """Whether calls go to LiveKit; a manifest without numbers is taken for one that will have them."""
        routes = [entry.route for entry in self.manifest.numbers]
        return not routes or any(isinstance(route, (AgentRoute, SplitRoute)) for route in routes)

    @property
    def sip_objects(self) -> World | Unknown:
        """The trunks and rules at LiveKit."""
        if isinstance(self.world, World) and self.world.sip is SipService.NO_REDIS:
            return Unknown("livekit-server has no SIP service without Redis")
        return self.world


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK
