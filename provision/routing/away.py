"""A number whose calls go elsewhere, as the manifest wants: to another SIP host, or to a stream server. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.routing.mends import APPLY
from provision.routing.verdict import Cause, Code, Outcome, Step, Verdict
from provision.routing.why_carrier import leads_to
from telephony.shown_url import Written, shown_url

if TYPE_CHECKING:
    from provision.routing.call import Call
    from provision.routing.world import CarrierNumber, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the manifest sends a number: `sip_host` (``host:port``), or the `answer_url` of a stream server.

    `written` has the manifest's own words for URLs (`telephony.shown_url`).
    """

    sip_host: str = ""
    answer_url: str = ""
    written: Written = ()

    def __str__(self) -> str:
        return self.sip_host or self.shown(self.answer_url)

    def shown(self, found: str) -> str:
        """Return what the carrier has, as it may be shown."""
        return shown_url(found, self.written)


def route_away(world: World, call: Call, place: Place) -> Verdict:
    """Say whether the carrier sends the number's calls there. What happens behind that place is not ours to see."""
    causes = tuple(_why_not(world, call.number, place))
    if world.carrier is None:
        step = Step("carrier number", None, world.carrier_error or "the carrier was not asked")
    else:
        told = causes[0].sentence if causes else f"{call.number} goes to {place}, as the manifest says"
        step = Step("carrier number", not causes, told)
    return Verdict(
        number=call.number,
        to_form=call.invite.to_user,
        source_ip=call.source_ip,
        outcome=Outcome.LOST if causes else Outcome.ELSEWHERE,
        steps=(step,),
        causes=causes,
    )


def _why_not(world: World, number: str, place: Place) -> Iterator[Cause]:
    if world.carrier is None:
        return
    row = world.carrier.numbers.get(number)
    if row is None:
        sentence = f"{number} is not a number of this carrier account."
        yield _cause(Code.NUMBER_NOT_OWNED, number, "account", sentence, "buy it, or sign in to its account", "")
        return
    for blocker in row.blockers:
        yield _cause(Code.NUMBER_BLOCKED, number, "status", f"{blocker}.", "ask the carrier", "")
    found = _found(world, row)
    if not found:
        sentence = "The number is assigned to nothing."
        yield _cause(Code.NUMBER_NOT_ASSIGNED, number, "trunk", sentence, f"send it to {place}", APPLY)
    elif not _same(found, place):
        other = "the same with another part that is not shown" if place.shown(found) == str(place) else str(place)
        sentence = f"The number goes to {place.shown(found)}, and the manifest sends it to {other}."
        yield _cause(Code.NUMBER_ON_OTHER_TRUNK, number, "trunk", sentence, f"send it to {place}", APPLY)


def _found(world: World, row: CarrierNumber) -> str:
    assert world.carrier is not None
    if row.application_id:
        return world.carrier.applications.get(row.application_id) or f"application {row.application_id}"
    trunk = world.carrier.trunks.get(row.trunk_id or "")
    return trunk.inbound_destination if trunk else row.trunk_id or ""


def _same(found: str, place: Place) -> bool:
    return leads_to(found, (place.sip_host,)) if place.sip_host else found == place.answer_url


def _cause(code: Code, number: str, field: str, sentence: str, mend: str, command: str) -> Cause:
    label = f"carrier number {number}"
    return Cause(code=code, object=label, field=field, sentence=sentence, mend=mend, command=command)
