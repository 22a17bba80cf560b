"""The doctor: read both servers as they are now, and judge. Nothing is written and no call is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from provision.doctor.dates import read_offset
from provision.doctor.examine import examine
from provision.doctor.facts import Facts, Server
from provision.doctor.finding import Diagnosis
from provision.doctor.read_carrier import read_carrier_facts
from provision.doctor.read_livekit import read_livekit_facts
from provision.doctor.read_sip_host import read_sip_host
from provision.routing.livekit_reads import SERVER as LIVEKIT
from provision.settings import ProvisionSettings
from provision.vobiz_http import SERVER as CARRIER
from telephony.manifest.model import Manifest


async def diagnose(
    manifest: Manifest,
    settings: ProvisionSettings,
    *,
    expected_calls: int | None = None,
    asks_sip: bool = True,
    now: Callable[[], float] = time.time,
) -> Diagnosis:
    """Say what is well with a deployment and what is not, and what mends it.

    A server that cannot be reached is a finding, and what depends on it is skipped: nothing is raised. `expected_calls`
    is how many calls at once the account should have room for; None takes a rule of thumb. With `asks_sip`, one OPTIONS
    goes to the manifest's ``livekit.sip_host``. `now` is our clock, in seconds since 1970.
    """
    return examine(await read_facts(manifest, settings, expected_calls=expected_calls, asks_sip=asks_sip, now=now))


async def read_facts(
    manifest: Manifest,
    settings: ProvisionSettings,
    *,
    expected_calls: int | None = None,
    asks_sip: bool = True,
    now: Callable[[], float] = time.time,
) -> Facts:
    """Read everything at once. Raises nothing."""
    carrier, livekit, sip_host, carrier_clock, livekit_clock = await asyncio.gather(
        read_carrier_facts(settings),
        read_livekit_facts(manifest, settings),
        read_sip_host(manifest.livekit.sip_host, asks=asks_sip),
        read_offset(f"{settings.vobiz_base_url}/auth/me", now=now),
        read_offset(settings.livekit_url, now=now),
    )
    return Facts(
        manifest=manifest,
        carrier=Server(
            name=CARRIER,
            url=settings.vobiz_base_url,
            contact=carrier.contact,
            detail=carrier.detail,
            clock=carrier_clock,
        ),
        livekit=Server(
            name=LIVEKIT,
            url=settings.livekit_url,
            contact=livekit.contact,
            detail=livekit.detail,
            clock=livekit_clock,
        ),
        account=carrier.account,
        balance=carrier.balance,
        load=carrier.load,
        stock=carrier.stock,
        world=livekit.world,
        sip_host=sip_host,
        expected_calls=expected_calls,
    )
