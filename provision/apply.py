"""Make a plan so: one ordered pass, each write read back, stopping at the first failure.

There is no rollback. What a failure leaves is a smaller difference, and the next plan has the rest.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from provision.batch import ChangeFailedError, batches, compare, readable, write_batch
from provision.changes import Change, Create, Drop, Update, after, before
from provision.conflicts import find_reports, taken_over, unused_logins
from provision.desired import Desired
from provision.errors import ApplyError, PlanConflictError, PlanStaleError
from provision.observed import Observed
from provision.plan import Plan
from provision.servers import Ids, Server
from provision.values import Key, Kind, Side, Value, key_of


@dataclass(frozen=True, slots=True)
class Progress:
    """One change is written, and maybe not read back yet: the `position`-th of `total`, counted from 1."""

    change: Change
    position: int
    total: int


OnProgress = Callable[[Progress], None]


async def apply(
    plan: Plan,
    observed: Observed,
    servers: Mapping[Side, Server],
    *,
    on_progress: OnProgress | None = None,
    calls_arrive_s: float = 0.0,
) -> None:
    """Write every change of a plan, in its order. `observed` must be fresh: it has the server ids.

    After the carrier was told to send calls elsewhere, what took them at LiveKit is left there for `calls_arrive_s`:
    livekit-sip gives no answer to a call whose trunk has just gone, and the caller hears ringing for minutes.

    Raises:
        PlanConflictError, PlanStaleError: nothing was written.
        ApplyError: a write failed; it says what is done and what remains.
    """
    refuse(plan, observed)
    ids = Ids(observed, plan.deployment)
    for key in _foreign(plan, observed):
        ids.add(key, key.name)
    for key, seen in unused_logins(_wanted(plan), observed).items():
        ids.add(key, seen.server_id)
    done: list[Change] = []
    positions = itertools.count(1)

    def tell_sent(change: Change) -> None:
        if on_progress is not None:
            on_progress(Progress(change, next(positions), len(plan.changes)))

    on_their_way = False
    for batch in batches(plan.changes):
        if on_their_way and _tidies_livekit(batch):
            await asyncio.sleep(calls_arrive_s)
            on_their_way = False
        on_their_way = on_their_way or _sends_calls_elsewhere(batch)
        server = servers[batch[0].key.kind.side]
        try:
            await write_batch(batch, server, ids, deployment=plan.deployment, tell_sent=tell_sent, tell=done.append)
        except ChangeFailedError as failed:
            kept = set(done)
            remaining = [change for change in plan.changes if change not in kept and change != failed.change]
            raise ApplyError(failed.cause, done=done, failed=failed.change, remaining=remaining) from failed.cause


def refuse(plan: Plan, observed: Observed) -> None:
    """Raise PlanConflictError or PlanStaleError when a plan cannot be applied to what is there now."""
    _refuse_conflicts(plan, observed)
    _refuse_stale(plan, observed)


def check_applied(plan: Plan, observed: Observed) -> None:
    """Compare what the servers say after an apply with what was planned.

    Raises:
        NotAsPlannedError: an object differs, e.g. because somebody else changed it meanwhile.
    """
    seen, addresses = observed.by_key(plan.deployment), observed.addresses(plan.deployment)
    final = {change.key: after(change) for change in plan.changes if not isinstance(change, Drop)}
    for key, value in final.items():
        planned = None if value is None else readable(value, addresses)
        found = None if key not in seen else seen[key].value
        compare(key, None if found is None else readable(found, addresses), planned)


def _sends_calls_elsewhere(batch: Sequence[Change]) -> bool:
    kind = batch[0].key.kind
    return kind is Kind.ASSIGNMENT or (kind.side == "carrier" and isinstance(batch[0], Update))


def _tidies_livekit(batch: Sequence[Change]) -> bool:
    """Whether something that takes calls goes or gives up numbers: after a switch, nothing else is done to it."""
    return batch[0].key.kind in (Kind.INBOUND_TRUNK, Kind.DISPATCH_RULE) and not isinstance(batch[0], Create)


def _foreign(plan: Plan, observed: Observed) -> dict[Key, Value]:
    """Return the assignments of others that the plan takes over."""
    return taken_over(_wanted(plan), observed) if plan.take_over else {}


def _wanted(plan: Plan) -> Desired:
    values = tuple(value for change in plan.changes if (value := after(change)) is not None)
    return Desired(deployment=plan.deployment, values=values)


def _refuse_conflicts(plan: Plan, observed: Observed) -> None:
    """Refuse conflicts that the plan has, and those that came up since it was made."""
    found = find_reports(_wanted(plan), observed, take_over=plan.take_over)
    conflicts = {*plan.conflicts, *(report for report in found if report.level == "conflict")}
    if conflicts:
        raise PlanConflictError(sorted(conflicts))


def _refuse_stale(plan: Plan, observed: Observed) -> None:
    extras = sorted(key_of(seen.value) for seen in observed.extras(plan.deployment) if not observed.is_used(seen))
    drops = [change for change in plan.changes if isinstance(change, Drop)]
    if sorted(change.key for change in drops) != extras:
        raise PlanStaleError((drops or plan.changes)[0])
    first: dict[Key, Change] = {}
    for change in plan.changes:
        if isinstance(change, Drop):
            continue
        old = before(change)
        first.setdefault(change.key if old is None else key_of(old), change)
    seen = {key: found.value for key, found in observed.by_key(plan.deployment).items()} | _foreign(plan, observed)
    seen |= {key: found.value for key, found in unused_logins(_wanted(plan), observed).items()}
    for key, change in first.items():
        if seen.get(key) != before(change):
            raise PlanStaleError(change)
