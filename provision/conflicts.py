"""What stands in the way of a deployment, and what is there but not ours. Pure.

LiveKit checks numbers against each other only in part (an update is compared with the trunks of the *new* numbers, and
nothing is locked), so the whole list is checked here, before and after every apply.
"""

from collections.abc import Iterator
from typing import Final

from provision.adopt import adoptable
from provision.changes import Report
from provision.desired import Desired
from provision.livekit_numbers import known_as, normal
from provision.observed import Observed, Seen
from provision.values import (
    Application,
    Assignment,
    CarrierTrunk,
    Credential,
    DispatchRule,
    InboundTrunk,
    Key,
    Value,
    key_of,
)

FEW_TRUNKS: Final = 20
_LISTED: Final = 5
_EXAMPLE_HOSTS: Final = ("example", "example.com", "example.net", "example.org", "invalid", "test")
"""Reserved by RFC 2606: no call ever arrives there."""
_ADOPT: Final = "make that one ours with `dialroom provision adopt`"


def find_reports(desired: Desired, observed: Observed, *, take_over: bool = False) -> tuple[Report, ...]:
    """Return all reports of a plan, sorted, conflicts first. With `take_over`, a number elsewhere is a warning."""
    found = {
        *_twice(desired.deployment, observed),
        *_numbers_without_account(desired, observed),
        *_assigned_elsewhere(desired, observed, take_over=take_over),
        *trunk_conflicts(desired, observed),
        *_foreign_rules(desired.deployment, observed),
        *_logins_found(desired, observed),
        *_logins_taken(desired, observed),
        *_many_trunks(desired),
        *(Report("warning", text.partition(":")[0], f"To do by hand: {text}") for text in desired.by_hand),
        *_example_host(desired),
        *_not_ours(desired.deployment, observed),
        *_only_others(desired.deployment, observed),
    }
    return tuple(sorted(found))


def trunk_conflicts(desired: Desired, observed: Observed) -> Iterator[Report]:
    """Numbers that a LiveKit trunk of somebody else has already: LiveKit would refuse every call to them."""
    wanted = {
        normal(number): (number, key_of(value))
        for value in desired.values
        if isinstance(value, InboundTrunk)
        for number in value.numbers
    }
    taken: list[tuple[Seen, set[str]]] = []
    for seen in _of_others(desired.deployment, observed):
        if isinstance(seen.value, InboundTrunk):
            shared = {normal(number) for number in seen.value.numbers} & wanted.keys()
            taken += [(seen, shared)] if shared else []
    free = adoptable(desired, observed) if taken else frozenset()
    for seen, shared in taken:
        adopt = f"{_ADOPT}, or " if seen in free else ""
        for number, key in sorted({(known_as(form), key) for form, key in (wanted[number] for number in shared)}):
            text = f"{number}: {seen.label} has it{_whose(seen)}, so {key} cannot; {adopt}take it out there"
            yield Report("conflict", number, text)


def _twice(deployment: str, observed: Observed) -> Iterator[Report]:
    """Of two alike, the plan drops the one on which nothing hangs; when something hangs on both, a person decides."""
    first = observed.by_key(deployment)
    for seen in observed.extras(deployment):
        if observed.is_used(seen):
            key = key_of(seen.value)
            ids = f"{first[key].server_id} and {seen.server_id}"
            yield Report("conflict", str(key), f"{key} is there twice ({ids}), and both are used; delete one of them")


def _numbers_without_account(desired: Desired, observed: Observed) -> Iterator[Report]:
    owned = {owned.number: owned for owned in observed.owned_numbers}
    for value in desired.values:
        if not isinstance(value, Assignment):
            continue
        if value.name not in owned:
            yield Report("conflict", value.name, f"{value.name} is not a number of this carrier account")
        elif owned[value.name].blockers:
            reasons = ", ".join(owned[value.name].blockers)
            yield Report("conflict", value.name, f"{value.name} cannot take calls: {reasons}")


def taken_over(desired: Desired, observed: Observed) -> dict[Key, Value]:
    """Return the assignments of others, of numbers that are wanted here."""
    wanted = {key_of(value) for value in desired.values if isinstance(value, Assignment)}
    others = {key_of(seen.value): seen.value for seen in _of_others(desired.deployment, observed)}
    return {key: value for key, value in others.items() if key in wanted}


def unused_logins(desired: Desired, observed: Observed) -> dict[Key, Seen]:
    """Return credentials of nobody that are wanted here: nothing hangs on them, so nobody can call with them."""
    wanted = {key for value in desired.values for key in (key_of(value), *value.needs)}
    free = {key_of(s.value): s for s in observed.objects if isinstance(s.value, Credential) and s.stamp is None}
    return {key: seen for key, seen in free.items() if key in wanted and not observed.is_used(seen)}


def _logins_found(desired: Desired, observed: Observed) -> Iterator[Report]:
    for key, seen in unused_logins(desired, observed).items():
        text = f"{key} is there already ({seen.server_id}) and nothing uses it: its password is set anew"
        yield Report("warning", key.name, text)


def _logins_taken(desired: Desired, observed: Observed) -> Iterator[Report]:
    wanted = {key_of(value) for value in desired.values if isinstance(value, Credential)}
    for seen in _of_others(desired.deployment, observed):
        if key_of(seen.value) in wanted and observed.is_used(seen):
            text = f"{seen.label} is used by an outbound trunk{_whose(seen)}; choose another user name"
            yield Report("conflict", seen.value.name, text)


def _many_trunks(desired: Desired) -> Iterator[Report]:
    """livekit-server reads every trunk and every rule for every INVITE; few trunks with many numbers cost least."""
    trunks = [value for value in desired.values if isinstance(value, InboundTrunk)]
    if len(trunks) > FEW_TRUNKS:
        text = (
            f"the settings of the numbers make {len(trunks)} LiveKit trunks and rules, and livekit-server reads all of "
            f"them for every INVITE (docs/provisioning.md has the figures); numbers with equal settings share one"
        )
        yield Report("warning", desired.deployment, text)


def _assigned_elsewhere(desired: Desired, observed: Observed, *, take_over: bool) -> Iterator[Report]:
    wanted = {value.name: value for value in desired.values if isinstance(value, Assignment)}
    holders = {key_of(s.value): s for s in observed.objects if isinstance(s.value, (CarrierTrunk, Application))}
    others = _of_others(desired.deployment, observed)
    taken = [(seen, seen.value) for seen in others if isinstance(seen.value, Assignment) and seen.value.name in wanted]
    free = {known.server_id for known in adoptable(desired, observed)} if taken and not take_over else set()
    for seen, assigned in taken:
        held_by, number = assigned.target, assigned.name
        where = holders[held_by].label if held_by in holders else str(held_by)
        if take_over:
            yield Report("warning", number, f"{number}: taken over from {where}{_whose(seen)}")
        else:
            adopt = f"{_ADOPT}, " if seen.refers & free else ""
            told = f"{number}: {where} has it{_whose(seen)}, so {wanted[number].target} cannot"
            yield Report("conflict", number, f"{told}; {adopt}unassign it there, or --take-over")


def _foreign_rules(deployment: str, observed: Observed) -> Iterator[Report]:
    ours = {value.name for value in observed.ours(deployment) if isinstance(value, InboundTrunk)}
    for seen in _of_others(deployment, observed):
        if not isinstance(seen.value, DispatchRule):
            continue
        taken = sorted(ours.intersection(seen.value.trunks))
        if taken:
            text = f"{seen.label}{_whose(seen)} takes the calls of {Key(InboundTrunk.kind, taken[0])}; delete it"
            yield Report("conflict", seen.label, text)
        elif not seen.value.trunks:
            text = f"{seen.label} names no trunk: it answers calls from anybody, to any number that no trunk has"
            yield Report("warning", seen.label, text)


def _example_host(desired: Desired) -> Iterator[Report]:
    for value in desired.values:
        if isinstance(value, CarrierTrunk):
            host = value.inbound_destination.partition(":")[0]
            if any(host == name or host.endswith(f".{name}") for name in _EXAMPLE_HOSTS):
                text = f"livekit.sip_host is {host!r}, an example: no call arrives there; write where livekit-sip is"
                yield Report("warning", str(key_of(value)), text)


def _not_ours(deployment: str, observed: Observed) -> Iterator[Report]:
    for seen in _of_others(deployment, observed):
        if not isinstance(seen.value, Assignment):
            yield Report("note", seen.label, f"{seen.label} is left alone{_whose(seen)}")


def _only_others(deployment: str, observed: Observed) -> Iterator[Report]:
    """Warn when there are objects of other deployments only: this one may have been renamed, or its name mistyped."""
    others = sorted({seen.stamp for seen in observed.objects if seen.stamp is not None})
    if others and deployment not in others:
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        told = f"nothing of deployment {deployment} is there, but objects of {', '.join(others[:_LISTED])}{more} are"
        yield Report("warning", deployment, f"{told}: is its name right?")


def _of_others(deployment: str, observed: Observed) -> Iterator[Seen]:
    return (seen for seen in observed.objects if seen.stamp != deployment)


def _whose(seen: Seen) -> str:
    return f" (deployment {seen.stamp})" if seen.stamp else " (not made by dialroom)"
