"""Writing changes that do not depend on each other, and reading them back.

Numbers come in thousands, so they are written at once and read back as one list; everything else one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

from provision.changes import Change, Create, Delete, Drop, Update, after
from provision.errors import NotAsPlannedError, OutcomeUnknownError
from provision.servers import Ids, Server
from provision.values import Credential, Key, Kind, OutboundTrunk, Value, key_of
from telephony.errors import WorldError
from telephony.shown_url import shown_url

READ_ONE_BY_ONE = 3
"""Up to so many numbers are read back singly; more cost less as a list."""
WRITERS = 64
"""How many changes may be under way; how many requests, the server's own pace decides."""


LOOK_AGAIN_S = (0.3, 0.6, 1.2, 2.4)
"""Lists may be behind for a while: what is not as planned is looked at again, after these pauses."""


class ChangeFailedError(Exception):
    """A change of a batch failed. Those of its batch that were under way were finished first."""

    def __init__(self, change: Change, cause: WorldError) -> None:
        self.change = change
        self.cause = cause
        super().__init__(str(cause))


def batches(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Cut changes, in their order, into those that may be made at once."""
    for (kind, _), group in groupby(changes, key=lambda change: (change.key.kind, type(change))):
        if kind is Kind.ASSIGNMENT:
            yield list(group)
        else:
            yield from ([change] for change in group)


async def write_batch(
    batch: Sequence[Change],
    server: Server,
    ids: Ids,
    *,
    deployment: str,
    tell_sent: Callable[[Change], None],
    tell: Callable[[Change], None],
) -> None:
    """Make the changes of a batch and read them back.

    `tell_sent` is called for each whose request was answered, `tell` for each that is as planned.

    Raises:
        ChangeFailedError: the first that failed; no new ones were begun after it.
    """
    if len(batch) <= READ_ONE_BY_ONE:
        for change in batch:
            await _one(change, server, ids, deployment=deployment)
            tell_sent(change)
            tell(change)
        return
    unknown, failed = await _write_many(batch, server, ids, tell_sent)
    left = [change for change in batch if change in unknown]
    missing: ChangeFailedError | None = None

    async def look() -> None:
        nonlocal left, missing
        now = await server.read_all(batch[0].key.kind, ids)
        wrong: list[Change] = []
        missing = None
        for change in left:
            try:
                _confirm(change, now.get(change.key.name), unknown[change], ids)
            except WorldError as error:
                wrong.append(change)
                missing = missing or ChangeFailedError(change, error)
            else:
                _remember(change, ids)
                tell(change)
        left = wrong
        if missing is not None:
            raise NotAsPlannedError(str(missing.change.key), str(missing.cause))

    try:
        await settled(look)
    except WorldError as error:
        raise failed or missing or ChangeFailedError(batch[0], error) from None
    if failed:
        raise failed


async def settled(look: Callable[[], Awaitable[None]]) -> None:
    """Look until everything is as planned, or patience is over. Raises what the last look does."""
    for pause_s in LOOK_AGAIN_S:
        try:
            return await look()
        except (NotAsPlannedError, OutcomeUnknownError):
            await asyncio.sleep(pause_s)
    return await look()


async def _write_many(
    batch: Sequence[Change], server: Server, ids: Ids, tell_sent: Callable[[Change], None]
) -> tuple[dict[Change, OutcomeUnknownError | None], ChangeFailedError | None]:
    """Send all; return those that were sent, with what is unknown about them, and the first failure."""
    sent: dict[Change, OutcomeUnknownError | None] = {}
    failures: list[ChangeFailedError] = []
    waiting = iter(batch)

    async def writer() -> None:
        for change in waiting:
            if failures:
                return
            try:
                sent[change] = await _attempt(_sending(change, server, ids))
            except WorldError as error:
                failures.append(ChangeFailedError(change, error))
            else:
                tell_sent(change)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(WRITERS, len(batch))):
            group.create_task(writer())
    return sent, failures[0] if failures else None


async def _one(change: Change, server: Server, ids: Ids, *, deployment: str) -> None:
    try:
        unknown: OutcomeUnknownError | None = None
        if isinstance(change, Drop):
            return await _drop(change, server, ids)
        if isinstance(change, Create):
            ids.add(change.key, await _create(change.after, server, ids, deployment=deployment))
        else:
            unknown = await _attempt(_sending(change, server, ids))
            if isinstance(change, Update):
                ids.rename(key_of(change.before), change.key)

        async def look() -> None:
            now = await server.read(ids[change.key], change.key.kind, ids)
            _confirm(change, now, unknown, ids)

        await settled(look)
        _remember(change, ids)
    except WorldError as error:
        raise ChangeFailedError(change, error) from None


async def _drop(change: Drop, server: Server, ids: Ids) -> None:
    server_id = ids.extras[change.key].pop(0)
    unknown = await _attempt(server.delete(server_id, change.before))

    async def look() -> None:
        if await server.read(server_id, change.key.kind, ids) is not None:
            raise unknown or NotAsPlannedError(str(change.key), f"{server_id} is still there")

    await settled(look)


async def _sending(change: Change, server: Server, ids: Ids) -> None:
    match change:
        case Create(value):
            await server.create(value, ids)
        case Update(old, value):
            await server.update(ids[key_of(old)], old, value, ids)
        case Delete(value):
            await server.delete(ids[change.key], value)
        case Drop():
            raise AssertionError(change)


async def _create(value: Value, server: Server, ids: Ids, *, deployment: str) -> str:
    """Create an object; when no answer comes, look whether it is there instead of creating a second one."""
    try:
        return await server.create(value, ids)
    except OutcomeUnknownError as error:
        lost = error
    found: list[str] = []

    async def look() -> None:
        observed = await server.observe()
        seen = observed.by_key(deployment).get(key_of(value))
        if seen is None:
            raise lost
        ids.addresses.update(observed.addresses(deployment))
        found.append(seen.server_id)

    await settled(look)
    return found[0]


async def _attempt(write: Awaitable[None]) -> OutcomeUnknownError | None:
    try:
        await write
    except OutcomeUnknownError as error:
        return error
    return None


def _confirm(change: Change, now: Value | None, unknown: OutcomeUnknownError | None, ids: Ids) -> None:
    planned = after(change)
    planned = None if planned is None else readable(planned, ids.addresses)
    if unknown is not None and now != planned:
        raise unknown
    compare(change.key, now, planned)


def readable(value: Value, addresses: Mapping[str, str]) -> Value:
    """Return a value as it can be read back: with the address that is known by then, without what nobody tells."""
    match value:
        case OutboundTrunk(address=""):
            return replace(value, address=addresses.get(value.carrier, ""))
        case Credential():
            return replace(value, fingerprint="")
        case _:
            return value


def _remember(change: Change, ids: Ids) -> None:
    if isinstance(change, Delete):
        ids.discard(change.key)
    elif change.key.kind is Kind.ASSIGNMENT:
        ids.add(change.key, change.key.name)


def compare(key: Key, now: Value | None, planned: Value | None) -> None:
    """Raise NotAsPlannedError, naming the fields that differ, unless both are the same."""
    if now == planned:
        return
    if now is None or planned is None:
        raise NotAsPlannedError(str(key), "it is not there" if now is None else "it is still there")
    old, new = asdict(now), asdict(planned)
    names = [name for name in new if old[name] != new[name]]
    raise NotAsPlannedError(str(key), ", ".join(f"{name} {_differs(old[name], new[name])}" for name in names))


def _differs(old: Any, new: Any) -> str:
    is_not, wanted = (shown_url(value) if isinstance(value, str) else value for value in (old, new))
    return (
        f"is {is_not!r}, not {wanted!r}" if is_not != wanted else f"is {wanted!r}, with another part that is not shown"
    )
