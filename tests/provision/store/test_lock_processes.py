"""The lock between real processes, and what is left of those that were killed."""

import asyncio
import signal
from contextlib import AsyncExitStack

import pytest

from provision.store.errors import Held, LockHeldError
from provision.store.store import Store, open_store
from tests.provision.store.actors import DEPLOYMENT, actor


async def test_processes_fight_and_never_meet(address: str, tmp_path):
    """Each finds the number as the one before left it."""
    (tmp_path / "counter").write_text("0")
    async with open_store(address), AsyncExitStack() as stack:
        fighters = [
            await stack.enter_async_context(actor("fight", tmp_path, address=address, rounds=6, arena=str(tmp_path)))
            for _ in range(3)
        ]
        codes = [await fighter.wait() for fighter in fighters]
    assert codes == [0, 0, 0]
    assert (tmp_path / "counter").read_text() == "18"


async def test_a_killed_process_of_this_machine_holds_nothing(address: str, store: Store, tmp_path):
    """Its lease would last ten minutes more."""
    async with actor("hold", tmp_path, address=address, lease_s=600, elsewhere=False) as holder:
        with pytest.raises(LockHeldError) as caught:
            async with store.lock(DEPLOYMENT, holder="test", wait_s=0):
                pass
        assert caught.value.held.pid == holder.pid
        holder.process.send_signal(signal.SIGKILL)
        await holder.wait()
        async with store.lock(DEPLOYMENT, holder="test", wait_s=0) as lease:
            lease.check()


async def test_the_lease_of_another_machines_killed_process_runs_out(address: str, store: Store, tmp_path):
    """Nobody can know that it is dead, so that is waited for."""
    told: list[Held] = []
    async with actor("hold", tmp_path, address=address, lease_s=3, elsewhere=True) as holder:
        holder.process.send_signal(signal.SIGKILL)
        await holder.wait()
        async with store.lock(DEPLOYMENT, holder="test", wait_s=120, on_wait=told.append) as lease:
            lease.check()
    assert [held.host for held in told] in (["elsewhere"], [])


async def test_a_holder_that_was_asleep_learns_that_it_lost(address: str, store: Store, tmp_path):
    """A suspended process wakes up with another run's lock."""
    async with actor("hold", tmp_path, address=address, lease_s=3, elsewhere=True) as holder:
        holder.process.send_signal(signal.SIGSTOP)
        async with store.lock(DEPLOYMENT, holder="test", wait_s=120) as lease:
            holder.process.send_signal(signal.SIGCONT)
            assert await holder.wait() == 0
            lease.check()
        assert "the lock of deployment demo is lost" in holder.log_path.read_text()


async def test_a_stopped_process_of_this_machine_still_holds(address: str, store: Store, tmp_path):
    """It is not dead."""
    async with actor("hold", tmp_path, address=address, lease_s=600, elsewhere=False) as holder:
        holder.process.send_signal(signal.SIGSTOP)
        with pytest.raises(LockHeldError):
            async with store.lock(DEPLOYMENT, holder="test", wait_s=0):
                pass
        holder.process.send_signal(signal.SIGCONT)


async def test_a_crashed_run_is_remembered(address: str, store: Store, tmp_path):
    """How far it was, and what may have happened."""
    async with actor("apply", tmp_path, address=address) as applying:
        applying.process.send_signal(signal.SIGKILL)
        await applying.wait()
    run = await store.last_run(DEPLOYMENT)
    assert run is not None
    assert (run.outcome, run.ended_at, run.plan_checksum) == (None, None, "abc")
    assert run.done == 2
    assert [(step.index, step.key) for step in run.sending] == [(2, "trunk 2")]


async def test_processes_may_open_a_new_state_at_once(address: str):
    """Its tables are made once."""

    async def use() -> None:
        async with open_store(address) as opened:
            await opened.save_snapshot(DEPLOYMENT, {}, {}, "first")

    await asyncio.gather(*(use() for _ in range(6)))
    async with open_store(address) as opened:
        assert len(await opened.snapshots(DEPLOYMENT)) == 6
