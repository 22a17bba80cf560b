"""Whether the carrier sends a number's calls to this LiveKit, and if not, why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.routing import mends
from provision.routing.mends import APPLY, Mend
from provision.routing.verdict import Cause, Code, Step
from provision.routing.world import Carrier, CarrierNumber, CarrierTrunk, SipService, World
from provision.stamp import carrier_trunk_name

_SCHEMES = ("sip:", "sips:")
_SIP_PORT = "5060"
_CONSOLE = "detach it in the carrier's console"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the carrier does with a call. `is_delivered` is None when it cannot be told."""

    is_delivered: bool | None
    steps: tuple[Step, ...]
    causes: tuple[Cause, ...]


def deliver(world: World, number: str) -> Delivery:
    """Follow a call from the number to the SIP service."""
    causes = [*_why_kept(world, number), *_why_no_service(world)]
    steps = (_number_step(world, number, causes), _trunk_step(world, number, causes), _service_step(world))
    known = world.carrier is not None
    return Delivery(False if causes else (True if known else None), steps, tuple(causes))


def leads_to(destination: str, hosts: tuple[str, ...]) -> bool:
    """Say whether a destination (``host`` or ``host:port``) is one of ours; 5060 need not be written."""
    return _place(destination) in {_place(host) for host in hosts}


def _why_kept(world: World, number: str) -> Iterator[Cause]:
    if world.carrier is None:
        return
    row = world.carrier.numbers.get(number)
    if row is None:
        sentence = f"{number} is not a number of this carrier account."
        yield _of_number(Code.NUMBER_NOT_OWNED, number, "account", sentence, Mend("buy it, or sign in to its account"))
        return
    for blocker in row.blockers:
        yield _of_number(Code.NUMBER_BLOCKED, number, "status", f"{_sentence(blocker)}.", Mend("ask the carrier"))
    if row.application_id:
        sentence = f"The application {row.application_id} is attached to the number and takes its calls."
        yield _of_number(Code.APPLICATION_ATTACHED, number, "application", sentence, Mend(_CONSOLE))
    if not row.trunk_id:
        sentence = "The number is assigned to no trunk."
        yield _of_number(Code.NUMBER_NOT_ASSIGNED, number, "trunk", sentence, mends.provision(world, number))
        return
    yield from _why_astray(world, world.carrier, row)


def _why_astray(world: World, carrier: Carrier, row: CarrierNumber) -> Iterator[Cause]:
    trunk = carrier.trunks.get(row.trunk_id or "")
    again = mends.provision(world, row.number)
    if trunk is None:
        sentence = f"The number is assigned to the trunk {row.trunk_id}, which the account does not have."
        yield _of_number(Code.CARRIER_TRUNK_MISSING, row.number, "trunk", sentence, again)
        return
    if trunk.is_outbound:
        sentence = "The trunk is for outgoing calls only."
        yield _of_trunk(Code.CARRIER_TRUNK_OUTBOUND, trunk, "direction", sentence, again)
        return
    stored = trunk.inbound_destination
    if trunk.name != carrier_trunk_name(world.deployment) and not leads_to(stored, world.sip_hosts):
        sentence = f"The number is assigned to {_label(trunk)}, which leads to {stored or 'nowhere'}."
        mend = Mend("take it over from that trunk, or unassign it there first", f"{APPLY} --take-over")
        yield _of_number(Code.NUMBER_ON_OTHER_TRUNK, row.number, "trunk", sentence, mend)
        return
    if not trunk.enabled:
        mend = Mend("enable it", APPLY)
        yield _of_trunk(Code.CARRIER_TRUNK_DISABLED, trunk, "status", "The trunk is disabled.", mend)
    yield from _why_wrong_destination(world, trunk)


def _why_wrong_destination(world: World, trunk: CarrierTrunk) -> Iterator[Cause]:
    stored, expected = trunk.inbound_destination, " or ".join(world.sip_hosts)
    mend = Mend(f"let it lead to {expected}", APPLY)
    if not stored:
        yield _of_trunk(Code.DESTINATION_MISSING, trunk, "inbound_destination", "The trunk leads nowhere.", mend)
    elif stored.lower().startswith(_SCHEMES):
        sentence = f"The destination is stored as {stored!r}: with the scheme in it, callers hear 'invalid number'."
        yield _of_trunk(Code.DESTINATION_SCHEME, trunk, "inbound_destination", sentence, mend)
    elif not leads_to(stored, world.sip_hosts):
        sentence = f"The trunk leads to {stored}, and LiveKit is at {expected}."
        yield _of_trunk(Code.DESTINATION_WRONG, trunk, "inbound_destination", sentence, mend)


def _why_no_service(world: World) -> Iterator[Cause]:
    if world.sip is SipService.NO_REDIS:
        yield Cause(
            code=Code.SIP_WITHOUT_REDIS,
            object="livekit-server",
            field="redis",
            sentence="livekit-server runs without Redis, and has no SIP service without it (sip not connected).",
            mend="give livekit-server and livekit-sip the same redis.address, and start both anew",
            command="docker compose up -d",
        )
    elif world.sip is SipService.NO_NODE:
        yield Cause(
            code=Code.SIP_NODE_MISSING,
            object="livekit-sip",
            field="process",
            sentence="No livekit-sip answers on livekit-server's Redis: nobody takes the INVITE.",
            mend="start livekit-sip, with the same redis.address as livekit-server",
            command="docker compose up -d sip",
        )


def _number_step(world: World, number: str, causes: list[Cause]) -> Step:
    if world.carrier is None:
        return Step("carrier number", None, world.carrier_error or "the carrier was not asked")
    wrong = next((cause for cause in causes if cause.object == _number_label(number)), None)
    return Step("carrier number", wrong is None, wrong.sentence if wrong else f"{number} is assigned to a trunk")


def _trunk_step(world: World, number: str, causes: list[Cause]) -> Step:
    row = world.carrier.numbers.get(number) if world.carrier else None
    trunk = world.carrier.trunks.get(row.trunk_id or "") if world.carrier and row else None
    if trunk is None:
        return Step("carrier trunk", None, "not reached" if world.carrier else "the carrier was not asked")
    wrong = next((cause for cause in causes if cause.object == _label(trunk)), None)
    is_ok = wrong is None and leads_to(trunk.inbound_destination, world.sip_hosts)
    told = f"{trunk.name or 'one without name'} ({trunk.trunk_id}) sends to {trunk.inbound_destination or 'nowhere'}"
    return Step("carrier trunk", is_ok, wrong.sentence if wrong else told)


def _service_step(world: World) -> Step:
    is_ok = {SipService.READY: True, SipService.UNKNOWN: None}.get(world.sip, False)
    return Step("SIP service", is_ok, world.sip.value)


def _place(destination: str) -> tuple[str, str]:
    host, colon, port = destination.lower().rstrip(".").rpartition(":")
    if not colon or not port.isdigit() or host.endswith(":"):
        return destination.lower().rstrip("."), _SIP_PORT
    return host.rstrip("."), port


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _number_label(number: str) -> str:
    return f"carrier number {number}"


def _label(trunk: CarrierTrunk) -> str:
    return f"carrier trunk {trunk.name or 'without name'} ({trunk.trunk_id})"


def _of_number(code: Code, number: str, field: str, sentence: str, mend: Mend) -> Cause:
    label = _number_label(number)
    return Cause(code=code, object=label, field=field, sentence=sentence, mend=mend.text, command=mend.command)


def _of_trunk(code: Code, trunk: CarrierTrunk, field: str, sentence: str, mend: Mend) -> Cause:
    return Cause(code=code, object=_label(trunk), field=field, sentence=sentence, mend=mend.text, command=mend.command)
