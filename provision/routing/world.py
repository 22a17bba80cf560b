"""Everything that decides where a call goes, as it stands on the servers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.api import SIPDispatchRuleInfo, SIPInboundTrunkInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierNumber:
    """A number of the carrier account: where it points, and in words what else keeps calls away from it."""

    number: str
    trunk_id: str | None = None
    application_id: str | None = None
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierTrunk:
    """A trunk at the carrier, with its destination as it is stored there."""

    trunk_id: str
    name: str = ""
    inbound_destination: str = ""
    enabled: bool = True
    is_outbound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """The carrier account: numbers by E.164, trunks by id, the answer URLs of applications by id."""

    numbers: Mapping[str, CarrierNumber]
    trunks: Mapping[str, CarrierTrunk]
    applications: Mapping[str, str] = field(default_factory=dict)


class SipService(StrEnum):
    """Whether somebody at LiveKit takes INVITEs."""

    READY = "a SIP node answers"
    NO_REDIS = "livekit-server runs without Redis"
    NO_NODE = "no SIP node answers"
    UNKNOWN = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Trunks and rules as LiveKit lists them, the carrier's side, and what is expected of both.

    `sip_hosts` are the destinations that lead to this LiveKit, `agent_names` the worker names that answer for us ("" is
    a worker without a name). `deployment` tells our objects from others, `numbers` are those of the manifest. `carrier`
    is None when it could not be read, with the reason in `carrier_error`. `seen_agents` are names that a worker was
    seen to answer under, `unserved_agents` such that a call waits for in vain.
    """

    trunks: tuple[SIPInboundTrunkInfo, ...]
    rules: tuple[SIPDispatchRuleInfo, ...]
    carrier: Carrier | None = None
    carrier_error: str = ""
    sip_hosts: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    deployment: str = ""
    numbers: frozenset[str] = field(default_factory=frozenset)
    sip: SipService = SipService.UNKNOWN
    seen_agents: frozenset[str] = frozenset()
    unserved_agents: frozenset[str] = frozenset()
