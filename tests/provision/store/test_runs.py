"""What is remembered of an apply."""

import pytest

from provision.store.errors import StoreError
from provision.store.store import Store, open_store
from tests.provision.store.raw import execute

DEPLOYMENT = "demo"
STEPS = 10_000


async def test_nothing_is_known_of_a_run_that_never_was(store: Store):
    """Nor of another deployment's."""
    await store.begin_run("other", "abc")
    assert await store.last_run(DEPLOYMENT) is None


async def test_a_run_that_ended_says_how(store: Store):
    """Every step is counted when it has ended."""
    run = await store.begin_run(DEPLOYMENT, "abc")
    for index in range(3):
        store.note_step(run, index, "sending", f"trunk {index}")
        store.note_step(run, index, "done", f"trunk {index}")
    store.note_step(run, 3, "sending", "trunk 3")
    await store.end_run(run, "failed: trunk 3 was refused")
    last = await store.last_run(DEPLOYMENT)
    assert last is not None
    assert (last.id, last.plan_checksum, last.outcome) == (run, "abc", "failed: trunk 3 was refused")
    assert last.ended_at is not None
    assert last.begun_at <= last.ended_at
    assert last.done == 3
    assert [(step.index, step.key) for step in last.sending] == [(3, "trunk 3")]


async def test_notes_are_written_when_the_store_is_closed(address: str):
    """A run that was interrupted in order forgets nothing."""
    async with open_store(address) as store:
        run = await store.begin_run(DEPLOYMENT, "abc")
        store.note_step(run, 0, "done", "trunk 0")
    async with open_store(address) as store:
        last = await store.last_run(DEPLOYMENT)
        assert last is not None
        assert (last.outcome, last.done) == (None, 1)


async def test_ten_thousand_steps_are_all_counted(store: Store):
    """Sending first, then done, as an apply has it."""
    run = await store.begin_run(DEPLOYMENT, "abc")
    for index in range(STEPS):
        store.note_step(run, index, "sending", f"+9180{index:08}")
    assert (await store.last_run(DEPLOYMENT)) is not None
    for index in range(STEPS - 1):
        store.note_step(run, index, "done", f"+9180{index:08}")
    await store.end_run(run, "failed")
    last = await store.last_run(DEPLOYMENT)
    assert last is not None
    assert last.done == STEPS - 1
    assert [step.index for step in last.sending] == [STEPS - 1]


async def test_a_new_run_forgets_the_one_before(address: str, store: Store):
    """With its steps, also those that came late; another deployment's stay."""
    other = await store.begin_run("other", "xyz")
    store.note_step(other, 0, "done", "trunk")
    await store.end_run(other, "done")
    first = await store.begin_run(DEPLOYMENT, "abc")
    second = await store.begin_run(DEPLOYMENT, "def")
    store.note_step(first, 0, "done", "late")
    await store.end_run(first, "late")
    third = await store.begin_run(DEPLOYMENT, "ghi")
    assert first < second < third
    last = await store.last_run(DEPLOYMENT)
    assert last is not None
    assert (last.id, last.done, last.outcome) == (third, 0, None)
    assert [tuple(row) for row in await execute(address, "SELECT run, position FROM dialroom_steps")] == [(other, 0)]


async def test_notes_that_cannot_be_written_stop_nothing(address: str):
    """They are only a help; the end of the run says what is wrong."""
    async with open_store(address) as store:
        run = await store.begin_run(DEPLOYMENT, "abc")
        await execute(address, "DROP TABLE dialroom_steps")
        store.note_step(run, 0, "done", "trunk 0")
        with pytest.raises(StoreError, match="dialroom_steps"):
            await store.end_run(run, "done")
