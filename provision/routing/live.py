"""Route tests with the servers as they are now. Nothing is written and no call is made."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from provision.errors import AccessDeniedError, RefusedError
from provision.routing.addresses import parse_address
from provision.routing.away import Place, route_away
from provision.routing.call import Call
from provision.routing.carrier_reads import read_carrier
from provision.routing.livekit_reads import LiveKitReads
from provision.routing.offline import offline_world
from provision.routing.route import route
from provision.routing.verdict import Verdict
from provision.routing.world import Carrier, SipService, World
from provision.settings import ProvisionSettings
from provision.vobiz_http import VobizHttp
from telephony.dispatch import worker_name
from telephony.errors import UserError, WorldError
from telephony.manifest.model import Manifest
from telephony.manifest.route import SipRoute, StreamRoute
from telephony.numbers import carrier_forms, parse_number

EXAMPLE_CALLER: Final = "+919812345678"


async def route_test(
    number: str,
    *,
    manifest: Manifest,
    settings: ProvisionSettings | None,
    from_number: str = EXAMPLE_CALLER,
    source_ip: str | None = None,
    to_form: str | None = None,
    from_host: str | None = None,
    auth: str | None = None,
) -> Verdict:
    """Say where a call to a number (in any Indian form) goes, and what is wrong.

    Without `source_ip` the call comes from the carrier's first signalling address, and all others are tried too;
    without `to_form` the called number stands in To as E.164, and the carrier's other forms are tried too. From has the
    address as its host unless `from_host` says otherwise. A carrier that cannot be read leaves its hops open.
    Without `settings` no server is asked: the world is as an apply of the manifest would make it.

    Raises:
        UserError: no number, no IP address.
        AccessDeniedError, UnreachableError, RefusedError: LiveKit cannot be read.
    """
    called = parse_number(number)
    sources = (_checked(source_ip),) if source_ip else _first_addresses(_signalling(manifest, settings))
    call = Call(
        number=called,
        to_forms=(to_form,) if to_form else carrier_forms(called),
        from_number=from_number,
        from_host=from_host or sources[0],
        source_ip=sources[0],
        other_sources=sources[1:],
        auth=auth,
    )
    if settings is None:
        world = offline_world(manifest)
    else:
        world = await read_world(called, manifest=manifest, settings=settings)
    place = _place(called, manifest)
    return route(world, call) if place is None else route_away(world, call, place)


def _place(number: str, manifest: Manifest) -> Place | None:
    """Return where the manifest sends a number, None when that is an agent, or it does not say."""
    entry = next((entry for entry in manifest.numbers if entry.number == number), None)
    match entry.route if entry else None:
        case SipRoute(sip=destinations):
            return Place(sip_host=destinations[0].host_port)
        case StreamRoute(stream=urls):
            return Place(answer_url=urls.answer_url, written=manifest.written_urls)
    return None


async def read_world(number: str, *, manifest: Manifest, settings: ProvisionSettings) -> World:
    """Read everything that decides where calls to a number (E.164) go.

    Raises:
        AccessDeniedError, UnreachableError, RefusedError: LiveKit cannot be read.
    """
    names = (worker_name(manifest.deployment),)
    (carrier, carrier_error), livekit = await asyncio.gather(
        _read_carrier(settings, number), _read_livekit(settings, names)
    )
    return replace(
        livekit,
        carrier=carrier,
        carrier_error=carrier_error,
        sip_hosts=(manifest.livekit.sip_host,),
        deployment=manifest.deployment,
        numbers=frozenset(entry.number for entry in manifest.numbers),
    )


async def _read_carrier(settings: ProvisionSettings, number: str) -> tuple[Carrier | None, str]:
    http = VobizHttp(settings.vobiz_base_url, settings.vobiz_auth_id, settings.vobiz_auth_token, tell=settings.tell)
    try:
        return await read_carrier(http, number), ""
    except WorldError as error:
        return None, str(error)
    finally:
        await http.aclose()


async def _read_livekit(settings: ProvisionSettings, names: tuple[str, ...]) -> World:
    """Return LiveKit's side of a world."""
    reads = LiveKitReads(settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret)
    async with reads:
        trunks = await reads.trunks()
        if trunks is None:
            return World(trunks=(), rules=(), agent_names=names, sip=SipService.NO_REDIS)
        rules, sip = await asyncio.gather(reads.rules(), reads.sip_service())
        world = World(trunks=trunks, rules=rules, agent_names=names, sip=sip)
        try:
            seen, unserved = await reads.workers(names)
        except (AccessDeniedError, RefusedError):
            return world  # rooms are no business of this key
        return replace(world, seen_agents=seen, unserved_agents=unserved)


def _signalling(manifest: Manifest, settings: ProvisionSettings | None) -> Iterable[str]:
    written = settings.carrier_cidrs if settings else None
    return manifest.vobiz.signalling if written is None else written


def _first_addresses(ranges: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(next(iter(ipaddress.ip_network(text)))) for text in ranges)


def _checked(source_ip: str) -> str:
    if parse_address(source_ip) is None:
        raise UserError(f"{source_ip!r} is not an IP address; name the one that the carrier calls from")
    return source_ip
