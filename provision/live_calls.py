"""Calls that are going on over what a plan changes: they are waited for, or somebody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provision.changes import Change, Create, Drop, Update, after, before
from provision.livekit_numbers import normal
from provision.values import Assignment, CarrierTrunk, InboundTrunk
from telephony.dispatch import CALLED

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI

    from provision.plan import Plan
    from provision.settings import ProvisionSettings

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class LiveCall:
    """A telephone that is in a room: the number that was called, as LiveKit has it, and the room."""

    number: str
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """Whose calls a plan may disturb: of these numbers (normal form), or of every number."""

    numbers: frozenset[str] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.numbers)

    def has(self, number: str) -> bool:
        """Return whether calls to a number, in any form, may be disturbed."""
        return self.everything or normal(number) in self.numbers


def at_risk(changes: Iterable[Change]) -> AtRisk:
    """Return what a plan takes away or turns round; numbers that are only added disturb nobody. Pure."""
    numbers: set[str] = set()
    everything = False
    for change in changes:
        old, new = before(change), after(change)
        if isinstance(change, (Create, Drop)):
            continue
        if isinstance(old, Assignment):
            numbers.add(old.name)
        elif isinstance(old, CarrierTrunk):
            everything = everything or isinstance(change, Update)
        elif isinstance(old, InboundTrunk):
            numbers.update(_disturbed(old, new if isinstance(new, InboundTrunk) else None))
    return AtRisk(numbers=frozenset(map(normal, numbers)), everything=everything)


def _disturbed(old: InboundTrunk, new: InboundTrunk | None) -> set[str]:
    if new is None:
        return set(old.numbers)
    return set(old.numbers) - set(new.numbers)


async def live_calls(plan: Plan, settings: ProvisionSettings) -> tuple[LiveCall, ...]:
    """Return the calls that are going on over what a plan takes away or turns round, sorted.

    Raises:
        AccessDeniedError, UnreachableError, RefusedError: LiveKit does not say.
    """
    risk = at_risk(plan.changes)
    if not risk:
        return ()
    from provision.livekit_sip import LiveKitSip

    async with LiveKitSip(
        settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret, deployment=plan.deployment
    ) as livekit:
        found = await livekit.reading(_telephones, "the list of rooms")
    return tuple(sorted(call for call in found if risk.has(call.number)))


async def _telephones(client: LiveKitAPI) -> list[LiveCall]:
    from livekit.api import ListParticipantsRequest, ListRoomsRequest, ServerError

    listed = await client.room.list_rooms(ListRoomsRequest())
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def of(room: str) -> list[LiveCall]:
        async with at_once:
            try:
                there = await client.room.list_participants(ListParticipantsRequest(room=room))
            except ServerError as error:
                if error.code != "not_found":  # it may be over since it was listed
                    raise
                return []
        called = [p.attributes[CALLED] for p in there.participants if CALLED in p.attributes]
        return [LiveCall(number=number, room=room) for number in called]

    # A room's own count of participants is seconds old: everybody is asked.
    return [call for calls in await asyncio.gather(*(of(room.name) for room in listed.rooms)) for call in calls]
