"""The world as `apply` would make it from a manifest, without asking any server. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from provision.desired import desire
from provision.livekit_sip import inbound_info, rule_info
from provision.routing.world import Carrier, CarrierNumber, CarrierTrunk, World
from provision.values import Application, Assignment, DispatchRule, InboundTrunk
from provision.values import CarrierTrunk as TrunkValue
from telephony.dispatch import worker_name
from telephony.manifest.model import Manifest


def offline_world(manifest: Manifest, *, carrier_cidrs: Sequence[str] | None = None) -> World:
    """Return what a manifest comes to; names stand in for server ids. Workers and SIP nodes are not known."""
    values = desire(manifest, carrier_cidrs=carrier_cidrs).values
    numbers = [value for value in values if isinstance(value, Assignment)]
    carrier = Carrier(
        numbers={
            value.name: CarrierNumber(
                number=value.name, trunk_id=value.trunk or None, application_id=value.application or None
            )
            for value in numbers
        },
        trunks={
            value.name: CarrierTrunk(
                trunk_id=value.name, name=value.name, inbound_destination=value.inbound_destination
            )
            for value in values
            if isinstance(value, TrunkValue)
        },
        applications={value.name: value.answer_url for value in values if isinstance(value, Application)},
    )
    return World(
        trunks=tuple(inbound_info(v, manifest.deployment) for v in values if isinstance(v, InboundTrunk)),
        rules=tuple(rule_info(v, manifest.deployment) for v in values if isinstance(v, DispatchRule)),
        carrier=carrier,
        sip_hosts=(manifest.livekit.sip_host,),
        agent_names=(worker_name(manifest.deployment),),
        deployment=manifest.deployment,
        numbers=frozenset(entry.number for entry in manifest.numbers),
    )
