"""What is remembered of an apply while it goes on, so that after a crash the next one can say where it stood.

Steps are only a help, so they must cost nothing: they are noted in memory and written together.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from provision.store.database import Database
from provision.store.errors import StoreError
from provision.store.tables import new_id, runs, steps
from provision.store.times import Clock, utc

StepState = Literal["sending", "done"]

WRITE_EVERY_S: Final = 0.25
"""What a crash may take of the notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a run: `index` is its place in the plan, `key` its object."""

    index: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run. `outcome` is None when it crashed, or is still going on.

    `done` counts the steps that were; `sending` are those that were begun, with an unknown end.
    """

    id: int
    deployment: str
    plan_checksum: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    done: int
    sending: tuple[Step, ...]


class Runs:
    """The runs of a store, and the steps that are not written yet."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[tuple[int, int], tuple[StepState, str]] = {}
        self._writer: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def begin(self, deployment: str, plan_checksum: str) -> int:
        """See `Store.begin_run`."""
        row = {"deployment": deployment, "plan_checksum": plan_checksum, "begun_s": self._clock().wall_s}

        def work(connection: Connection) -> int:
            connection.execute(delete(runs).where(runs.c.deployment == deployment))
            connection.execute(delete(steps).where(steps.c.run.not_in(select(runs.c.id))))
            return new_id(connection.execute(insert(runs).values(row)))

        return await self._database.write(work)

    def note(self, run: int, index: int, state: StepState, key: str) -> None:
        """See `Store.note_step`."""
        self._noted[run, index] = state, key
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_on(), name="notes of a run")

    async def end(self, run: int, outcome: str) -> None:
        """See `Store.end_run`."""
        await self._flush()
        ended_s = self._clock().wall_s

        def work(connection: Connection) -> None:
            connection.execute(update(runs).where(runs.c.id == run).values(ended_s=ended_s, outcome=outcome))

        await self._database.write(work)

    async def last(self, deployment: str) -> Run | None:
        """See `Store.last_run`."""
        return await self._database.read(lambda connection: _last(connection, deployment))

    async def close(self) -> None:
        """Write what is noted; when the database does not take it, it is forgotten."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        with suppress(StoreError):
            await self._flush()

    async def _write_on(self) -> None:
        while self._noted:
            with suppress(StoreError):  # kept, and tried again with what comes meanwhile
                await self._flush()
            await asyncio.sleep(WRITE_EVERY_S)

    async def _flush(self) -> None:
        async with self._one_at_a_time:  # an older state must not overtake a newer one
            batch = dict(self._noted)
            if not batch:
                return
            await self._database.write(lambda connection: _write(connection, self._database, batch))
            for step, noted in batch.items():
                if self._noted.get(step) == noted:
                    del self._noted[step]


def _write(connection: Connection, database: Database, batch: dict[tuple[int, int], tuple[StepState, str]]) -> None:
    statement = database.insert(steps)
    statement = statement.on_conflict_do_update(
        index_elements=[steps.c.run, steps.c.position],
        set_={"state": statement.excluded.state, "key": statement.excluded.key},
    )
    rows: list[dict[str, Any]] = [
        {"run": run, "position": index, "state": state, "key": key}
        for (run, index), (state, key) in sorted(batch.items())
    ]
    connection.execute(statement, rows)


def _last(connection: Connection, deployment: str) -> Run | None:
    query = select(runs).where(runs.c.deployment == deployment).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    own = steps.c.run == row["id"]
    done = connection.execute(select(func.count()).where(own, steps.c.state == "done")).scalar_one()
    sending = select(steps.c.position, steps.c.key).where(own, steps.c.state == "sending").order_by(steps.c.position)
    return Run(
        id=row["id"],
        deployment=row["deployment"],
        plan_checksum=row["plan_checksum"],
        begun_at=utc(row["begun_s"]),
        ended_at=None if row["ended_s"] is None else utc(row["ended_s"]),
        outcome=row["outcome"],
        done=done,
        sending=tuple(Step(index=found.position, key=found.key) for found in connection.execute(sending)),
    )
