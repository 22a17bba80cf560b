"""LiveKit's facts, read over its API: trunks, rules, whether a SIP node answers, which workers show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from provision.doctor.contact import contact_of, told, unknown_since
from provision.doctor.facts import Contact, Unknown
from provision.errors import AccessDeniedError, RefusedError
from provision.routing.livekit_reads import SERVER, LiveKitReads
from provision.routing.world import SipService, World
from provision.settings import ProvisionSettings
from telephony.dispatch import worker_name
from telephony.errors import WorldError
from telephony.manifest.model import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitFacts:
    """What LiveKit told."""

    contact: Contact
    detail: str
    world: World | Unknown


async def read_livekit_facts(manifest: Manifest, settings: ProvisionSettings) -> LiveKitFacts:
    """Read LiveKit. What fails is told in the facts; nothing is left behind there."""
    try:
        world = await _world(manifest, settings)
    except WorldError as error:
        contact = contact_of(error)
        return LiveKitFacts(contact=contact, detail=told(error), world=unknown_since(SERVER, contact))
    return LiveKitFacts(contact=Contact.ANSWERS, detail="", world=world)


async def _world(manifest: Manifest, settings: ProvisionSettings) -> World:
    names = (worker_name(manifest.deployment),)
    async with LiveKitReads(settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret) as reads:
        trunks = await reads.trunks()
        world = World(
            trunks=trunks or (),
            rules=(),
            sip_hosts=(manifest.livekit.sip_host,),
            agent_names=names,
            deployment=manifest.deployment,
            numbers=frozenset(entry.number for entry in manifest.numbers),
        )
        if trunks is None:
            return replace(world, sip=SipService.NO_REDIS)
        rules, sip = await asyncio.gather(reads.rules(), reads.sip_service())
        world = replace(world, rules=rules, sip=sip)
        try:
            seen, unserved = await reads.workers(names)
        except (AccessDeniedError, RefusedError):
            return world  # rooms are no business of this key
        return replace(world, seen_agents=seen, unserved_agents=unserved)
