"""Make a plan so: one ordered pass, each write read back, stopping at the first failure. Writes only.

There is no rollback. What a failure leaves is a smaller difference, and the next plan has the rest.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from provision.changes import Change, Create, Delete, Update, after, before
from provision.conflicts import find_reports
from provision.desired import Desired
from provision.errors import ApplyError, NotAsPlannedError, OutcomeUnknownError, PlanConflictError, PlanStaleError
from provision.observed import Observed, Reads
from provision.plan import Plan
from provision.values import Key, Kind, Side, Value, key_of
from telephony.errors import WorldError


class Ids:
    """Server ids by key, known to whoever writes and to nobody else."""

    def __init__(self, observed: Observed, deployment: str) -> None:
        self._ids = {key_of(s.value): s.server_id for s in observed.objects if s.stamp == deployment}

    def __getitem__(self, key: Key) -> str:
        try:
            return self._ids[key]
        except KeyError:
            raise NotAsPlannedError(str(key), "it is not there") from None

    def name(self, kind: Kind, server_id: str) -> str:
        """Return the name of an object of ours; an id that is not ours stays as it is."""
        return next(
            (key.name for key, known in self._ids.items() if key.kind is kind and known == server_id), server_id
        )

    def add(self, key: Key, server_id: str) -> None:
        """Remember an object that was created."""
        self._ids[key] = server_id

    def discard(self, key: Key) -> None:
        """Forget an object that was deleted."""
        self._ids.pop(key, None)


class Writes(Protocol):
    """One server: the carrier or LiveKit. Every method raises a WorldError when the server does not do it."""

    async def create(self, value: Value, ids: Ids) -> str:
        """Make an object, stamped, and return its server id."""
        ...

    async def update(self, server_id: str, value: Value, ids: Ids) -> None:
        """Change what a value declares and keep the rest of the object."""
        ...

    async def delete(self, server_id: str, value: Value) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    async def read(self, server_id: str, kind: Kind, ids: Ids) -> Value | None:
        """Return an object as it is now, None when it is not there."""
        ...


class Server(Reads, Writes, Protocol):
    """A server that can be read and written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One change is done: the `position`-th of `total`, counted from 1."""

    change: Change
    position: int
    total: int


OnProgress = Callable[[Progress], None]


async def apply(
    plan: Plan, observed: Observed, servers: Mapping[Side, Server], *, on_progress: OnProgress | None = None
) -> None:
    """Write every change of a plan, in its order. `observed` must be fresh: it has the server ids.

    Raises:
        PlanConflictError, PlanStaleError: nothing was written.
        ApplyError: a write failed; it says what is done and what remains.
    """
    _refuse_conflicts(plan, observed)
    _refuse_stale(plan, observed)
    ids = Ids(observed, plan.deployment)
    for index, change in enumerate(plan.changes):
        server = servers[change.key.kind.side]
        try:
            await _write(change, server, ids, deployment=plan.deployment)
        except WorldError as error:
            done, remaining = plan.changes[:index], plan.changes[index + 1 :]
            raise ApplyError(error, done=done, failed=change, remaining=remaining) from error
        if on_progress is not None:
            on_progress(Progress(change, index + 1, len(plan.changes)))


def check_applied(plan: Plan, observed: Observed) -> None:
    """Compare what the servers say after an apply with what was planned.

    Raises:
        NotAsPlannedError: an object differs, e.g. because somebody else changed it meanwhile.
    """
    final = {change.key: after(change) for change in plan.changes}
    for key, value in final.items():
        seen = observed.find(key, plan.deployment)
        _compare(key, None if seen is None else seen.value, value)


def _refuse_conflicts(plan: Plan, observed: Observed) -> None:
    """Refuse conflicts that the plan has, and those that came up since it was made."""
    values = tuple(value for change in plan.changes if (value := after(change)) is not None)
    found = find_reports(Desired(deployment=plan.deployment, values=values), observed)
    conflicts = {*plan.conflicts, *(report for report in found if report.level == "conflict")}
    if conflicts:
        raise PlanConflictError(sorted(conflicts))


def _refuse_stale(plan: Plan, observed: Observed) -> None:
    first: dict[Key, Change] = {}
    for change in plan.changes:
        first.setdefault(change.key, change)
    for key, change in first.items():
        seen = observed.find(key, plan.deployment)
        if (None if seen is None else seen.value) != before(change):
            raise PlanStaleError(change)


async def _write(change: Change, server: Server, ids: Ids, *, deployment: str) -> None:
    unknown: OutcomeUnknownError | None = None
    match change:
        case Create(value):
            ids.add(change.key, await _create(value, server, ids, deployment=deployment))
        case Update(_, value):
            unknown = await _attempt(server.update(ids[change.key], value, ids))
        case Delete(value):
            unknown = await _attempt(server.delete(ids[change.key], value))
    now = await server.read(ids[change.key], change.key.kind, ids)
    if unknown is not None and now != after(change):
        raise unknown
    _compare(change.key, now, after(change))
    if now is None:
        ids.discard(change.key)


async def _create(value: Value, server: Server, ids: Ids, *, deployment: str) -> str:
    """Create an object; when no answer comes, look whether it is there instead of creating a second one."""
    try:
        return await server.create(value, ids)
    except OutcomeUnknownError:
        found = (await server.observe()).find(key_of(value), deployment)
        if found is None:
            raise
        return found.server_id


async def _attempt(write: Awaitable[None]) -> OutcomeUnknownError | None:
    try:
        await write
    except OutcomeUnknownError as error:
        return error
    return None


def _compare(key: Key, now: Value | None, planned: Value | None) -> None:
    if now == planned:
        return
    if now is None or planned is None:
        raise NotAsPlannedError(str(key), "it is not there" if now is None else "it is still there")
    old, new = asdict(now), asdict(planned)
    names = [name for name in new if old[name] != new[name]]
    raise NotAsPlannedError(str(key), ", ".join(f"{name} is {old[name]!r}, not {new[name]!r}" for name in names))
