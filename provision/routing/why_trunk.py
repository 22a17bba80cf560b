"""Why no trunk takes a call, or not the right one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from provision.livekit_numbers import known_as
from provision.routing import mends
from provision.routing.addresses import Admission, is_forgeable
from provision.routing.mends import trunk_label
from provision.routing.trunk_match import Look, look
from provision.routing.verdict import Cause, Code, Level

if TYPE_CHECKING:
    from livekit.api import SIPInboundTrunkInfo

    from provision.routing.call import Invite
    from provision.routing.refusal import ServerRefusedError
    from provision.routing.world import World


def why_no_trunk(world: World, number: str, invite: Invite) -> Iterator[Cause]:
    """Say why no trunk that lists a number (E.164) takes a call; nothing when one does."""
    looks = [look(trunk, invite) for trunk in world.trunks]
    listed = [seen for seen in looks if seen.number == "listed"]
    if any(seen.is_open for seen in listed):
        return
    if listed:
        for seen in listed:
            yield from _filtered(world, invite, seen)
        return
    other_forms = in_other_form(world, number, invite)
    for trunk in other_forms:
        yield number_form(world, trunk, number, [invite.to_user])
    catch_alls = [seen for seen in looks if seen.number == "any"]
    if not other_forms and not any(seen.is_open for seen in catch_alls):
        yield _nowhere(world, number)
        for seen in catch_alls:
            yield from _filtered(world, invite, seen)


def in_other_form(world: World, number: str, invite: Invite) -> list[SIPInboundTrunkInfo]:
    """Return the trunks that have a number (E.164), but not as a call names it; none when some trunk lists that."""
    looks = [look(trunk, invite) for trunk in world.trunks]
    if any(seen.number == "listed" for seen in looks):
        return []
    return [seen.trunk for seen in looks if any(known_as(form) == number for form in seen.trunk.numbers)]


def number_form(world: World, trunk: SIPInboundTrunkInfo, number: str, forms: Sequence[str]) -> Cause:
    """Return the cause that a trunk has a number, but not in the forms in which a call may name it."""
    has = ", ".join(form for form in trunk.numbers if known_as(form) == number)
    sentence = f"The trunk has {has}; LiveKit does not take {', '.join(forms)} for the same number."
    return _cause(Code.NUMBER_FORM, trunk, "numbers", sentence, mends.list_number(world, trunk, number))


def why_refused(world: World, invite: Invite, error: ServerRefusedError) -> Iterator[Cause]:
    """Say why livekit-server answers the question for the trunk with an error."""
    found = [trunk for trunk in world.trunks if trunk.sip_trunk_id in error.ids]
    if not found:
        sentence = f"{invite.source_ip!r} is no IP address."
        yield Cause(
            code=Code.SOURCE_UNREADABLE,
            object="call",
            field="source_ip",
            sentence=sentence,
            mend="name the address that the carrier calls from",
        )
        return
    others = [trunk for trunk in found if not mends.is_ours(trunk, world.deployment)]
    names = " and ".join(trunk_label(trunk) for trunk in found)
    what = "list the number" if found[0].numbers else "list no number and so take every one"
    sentence = f"{names} {what} and let this caller call: LiveKit refuses to choose."
    yield _cause(Code.TWO_TRUNKS, (others or found)[-1], "numbers", sentence, mends.remove_trunk((others or found)[-1]))


def trunk_warnings(world: World, number: str, invite: Invite, trunk: SIPInboundTrunkInfo) -> Iterator[Cause]:
    """Say what is doubtful about the trunk that takes a call."""
    seen = look(trunk, invite)
    if seen.number == "any":
        sentence = "The trunk lists no number and so takes the calls to every number that no other trunk takes."
        mend = mends.list_number(world, trunk, number)
        yield _cause(Code.CATCH_ALL_TRUNK, trunk, "numbers", sentence, mend, level="warning")
    forgeable = [entry for entry in trunk.allowed_addresses if is_forgeable(entry)]
    if seen.admission is Admission.NOTHING_READ:
        sentence = f"LiveKit can read none of {', '.join(trunk.allowed_addresses)}, and so lets everybody call."
        yield _addresses(world, trunk, Code.ADDRESSES_UNREAD, sentence)
    elif seen.admission is Admission.OPEN and not (trunk.auth_username and trunk.auth_password):
        yield _addresses(world, trunk, Code.ADDRESSES_OPEN, "The trunk names no addresses: everybody may call.")
    elif forgeable:
        sentence = (
            f"A caller passes {', '.join(forgeable)} by writing it into From; only ranges like 13.233.44.61/32 hold."
        )
        yield _addresses(world, trunk, Code.ADDRESS_FORGEABLE, sentence)
    if bool(trunk.auth_username) != bool(trunk.auth_password):
        there, missing = ("user name", "password") if trunk.auth_username else ("password", "user name")
        field = f"auth_{missing.replace(' name', 'name')}"
        sentence = f"The trunk has a {there} but no {missing}, so nobody is asked for either."
        mend = mends.rewrite_trunk(world, trunk, "set both or none")
        yield _cause(Code.AUTH_HALF_SET, trunk, field, sentence, mend, level="warning")


def why_challenged(world: World, trunk: SIPInboundTrunkInfo, auth: str | None) -> Cause:
    """Say why the digest challenge of a trunk ends the call."""
    mend = mends.rewrite_trunk(world, trunk, "take user name and password off the trunk, and allow addresses instead")
    if auth is None:
        sentence = "The trunk asks for a password (407); the carrier does not sign in to you."
        return _cause(Code.AUTH_DEMANDED, trunk, "auth_username", sentence, mend)
    sentence = f"The trunk's user name is {trunk.auth_username!r}; the call signs in as {auth!r} (401)."
    return _cause(Code.AUTH_USER, trunk, "auth_username", sentence, mend)


def _filtered(world: World, invite: Invite, seen: Look) -> Iterator[Cause]:
    trunk = seen.trunk
    if not seen.is_caller_allowed:
        caller = invite.from_user or "a caller without number"
        sentence = f"Only {', '.join(trunk.allowed_numbers)} may call by this trunk, not {caller}."
        mend = mends.rewrite_trunk(world, trunk, "empty the caller list")
        yield _cause(Code.CALLER_FILTER, trunk, "allowed_numbers", sentence, mend)
    if seen.admission is Admission.REFUSED:
        sentence = f"{invite.source_ip} is in none of the allowed ranges: {', '.join(trunk.allowed_addresses)}."
        what = f"if {invite.source_ip} is the carrier's, allow it"
        if mends.is_ours(trunk, world.deployment):
            what += " (vobiz.signalling in the manifest, unless it is there)"
        mend = mends.rewrite_trunk(world, trunk, what, is_declared=True)
        yield _cause(Code.SOURCE_NOT_ALLOWED, trunk, "allowed_addresses", sentence, mend)


def _nowhere(world: World, number: str) -> Cause:
    ours = [trunk for trunk in world.trunks if mends.is_ours(trunk, world.deployment)]
    if len(ours) == 1:
        sentence = f"The trunk does not list {number}, and no other trunk does."
        return _cause(Code.NUMBER_NOT_ON_TRUNK, ours[0], "numbers", sentence, mends.provision(world, number))
    mend = mends.provision(world, number)
    return Cause(
        code=Code.NUMBER_NOT_ON_TRUNK,
        object="LiveKit",
        field="inbound trunks",
        sentence=f"No trunk lists {number}." if world.trunks else "There is no inbound trunk.",
        mend=mend.text,
        command=mend.command,
    )


def _addresses(world: World, trunk: SIPInboundTrunkInfo, code: Code, sentence: str) -> Cause:
    mend = mends.rewrite_trunk(world, trunk, "allow the carrier's addresses as ranges", is_declared=True)
    return _cause(code, trunk, "allowed_addresses", sentence, mend, level="warning")


def _cause(
    code: Code, trunk: SIPInboundTrunkInfo, field: str, sentence: str, mend: mends.Mend, *, level: Level = "error"
) -> Cause:
    return Cause(
        code=code,
        object=trunk_label(trunk),
        field=field,
        sentence=sentence,
        mend=mend.text,
        command=mend.command,
        level=level,
    )
