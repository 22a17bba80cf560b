"""The lock inside one process: waiting, telling, giving back, losing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from provision.store.errors import Held, LeaseLostError, LockHeldError
from provision.store.lease import Lease
from provision.store.process import this_process
from provision.store.store import Store, open_store
from provision.store.times import Now
from tests.provision.store.actors import Elsewhere
from tests.provision.store.cluster import Cluster
from tests.provision.store.raw import execute

DEPLOYMENT = "demo"


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_000_000.0
        self.steady_s = 50.0

    def __call__(self) -> Now:
        return Now(wall_s=self.wall_s, steady_s=self.steady_s)

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def two(tmp_path, hands) -> AsyncIterator[tuple[Store, Store]]:
    """Yield one SQLite state, opened by two machines with one clock."""
    path = tmp_path / "provision.db"
    async with (
        open_store(path, clock=hands) as one,
        open_store(path, clock=hands, process=Elsewhere.process()) as other,
    ):
        yield one, other


async def lost(lease: Lease) -> LeaseLostError:
    """Write on until it is not allowed any more."""
    while True:
        try:
            lease.check()
        except LeaseLostError as error:
            return error
        await asyncio.sleep(0.02)


async def test_the_second_is_told_who_has_it(store: Store, elsewhere: Store):
    """Holder, host, process and since when."""
    async with store.lock(DEPLOYMENT, holder="anna's apply", wait_s=0) as lease:
        lease.check()
        with pytest.raises(LockHeldError) as caught:
            async with elsewhere.lock(DEPLOYMENT, holder="ci", wait_s=0):
                pass
    process = this_process()
    assert caught.value.holder == "anna's apply"
    assert caught.value.host == process.host
    assert caught.value.held.pid == process.pid
    assert f"demo is locked by anna's apply on {process.host}" in str(caught.value)
    assert f"{caught.value.since:%Y-%m-%d %H:%M}" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_it_is_free_after_the_block(store: Store, elsewhere: Store):
    """Also when the block failed, and for a run that was refused before."""
    with pytest.raises(ZeroDivisionError):
        async with store.lock(DEPLOYMENT, holder="one", wait_s=0):
            raise ZeroDivisionError
    async with elsewhere.lock(DEPLOYMENT, holder="other", wait_s=0):
        with pytest.raises(LockHeldError):
            async with store.lock(DEPLOYMENT, holder="one", wait_s=0):
                pass
    async with store.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        lease.check()


async def test_deployments_do_not_wait_for_each_other(store: Store):
    """A lock is one deployment's."""
    async with store.lock("a", holder="one", wait_s=0) as a, store.lock("b", holder="one", wait_s=0) as b:
        a.check()
        b.check()


async def test_who_waits_is_told_once_and_gets_it(store: Store, elsewhere: Store):
    """The holder ends while the other waits."""
    told: list[Held] = []
    waits = asyncio.Event()

    def tell(held: Held) -> None:
        told.append(held)
        waits.set()

    async def other() -> None:
        async with elsewhere.lock(DEPLOYMENT, holder="other", wait_s=60, on_wait=tell) as lease:
            lease.check()

    async with store.lock(DEPLOYMENT, holder="one", wait_s=0):
        waiting = asyncio.create_task(other())
        await waits.wait()
    await waiting
    assert [held.holder for held in told] == ["one"]


async def test_of_many_at_once_one_gets_it(address: str):
    """Also of many in one process."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(address)) for _ in range(3)]
        everybody_tried = asyncio.Event()
        refused = 0

        async def attempt(store: Store) -> int:
            nonlocal refused
            try:
                async with store.lock(DEPLOYMENT, holder="one of many", wait_s=0) as lease:
                    await everybody_tried.wait()
                    lease.check()
                    return 1
            except LockHeldError:
                refused += 1
                if refused == 17:
                    everybody_tried.set()
                return 0

        won = await asyncio.gather(*(attempt(stores[index % 3]) for index in range(18)))
    assert sum(won) == 1


async def test_a_cancelled_wait_leaves_no_lock(store: Store, elsewhere: Store):
    """Wherever it was cancelled."""
    for turns in range(12):
        attempt = asyncio.create_task(hold_for_ever(elsewhere))
        for _ in range(turns):
            await asyncio.sleep(0.002)
        attempt.cancel()
        await asyncio.wait([attempt])
        async with store.lock(DEPLOYMENT, holder="next", wait_s=0) as lease:
            lease.check()


async def hold_for_ever(store: Store) -> None:
    async with store.lock(DEPLOYMENT, holder="cancelled", wait_s=60):
        await asyncio.Event().wait()


async def test_a_live_holder_keeps_it_beyond_a_lease(address: str, elsewhere: Store, store: Store):
    """It is renewed every third; four times is more than one lease."""
    async with elsewhere.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        while (await execute(address, "SELECT beat FROM dialroom_locks"))[0][0] < 4:
            await asyncio.sleep(0.1)
        lease.check()
        with pytest.raises(LockHeldError):
            async with store.lock(DEPLOYMENT, holder="other", wait_s=0):
                pass


async def test_a_lock_that_was_taken_away_is_lost(address: str, elsewhere: Store):
    """The next check says so, and every one after it."""
    async with elsewhere.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        await execute(address, "DELETE FROM dialroom_locks")
        error = await lost(lease)
        assert "the lock of deployment demo is lost: somebody removed it" in str(error)
        with pytest.raises(LeaseLostError):
            lease.check()


async def test_a_successors_lock_is_left_alone(address: str, elsewhere: Store, store: Store):
    """A holder that lost it names its successor, and gives back nothing at its end."""
    async with elsewhere.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        await execute(address, "UPDATE dialroom_locks SET token = 'x', holder = 'ci', machine = 'third'")
        assert "it is now held by ci on elsewhere" in str(await lost(lease))
    with pytest.raises(LockHeldError):
        async with store.lock(DEPLOYMENT, holder="third", wait_s=0):
            pass


async def test_a_lease_ends_for_both_at_once(two: tuple[Store, Store], hands: Hands):
    """What the waiting run may take, the holder has been told to leave."""
    one, other = two
    async with one.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        hands.pass_s(24)
        lease.check()
        with pytest.raises(LockHeldError):
            async with other.lock(DEPLOYMENT, holder="other", wait_s=0):
                pass
        hands.pass_s(6)
        with pytest.raises(LeaseLostError, match="not renewed in time"):
            lease.check()
        async with other.lock(DEPLOYMENT, holder="other", wait_s=0) as taken:
            taken.check()


async def test_a_wall_clock_that_jumps_ahead_is_told_to_the_holder(two: tuple[Store, Store], hands: Hands):
    """The other run believes it, so the holder must not write."""
    one, other = two
    async with one.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        hands.wall_s += 3600
        async with other.lock(DEPLOYMENT, holder="other", wait_s=0) as taken:
            taken.check()
            with pytest.raises(LeaseLostError, match="the clock jumped"):
                lease.check()


async def test_a_wall_clock_that_was_set_back_does_not_lock_for_ever(two: tuple[Store, Store], hands: Hands):
    """Whoever sees no sign of life for a lease takes it."""
    one, other = two
    async with one.lock(DEPLOYMENT, holder="crashed", wait_s=0) as lease:
        hands.wall_s -= 86_400
        seen = asyncio.Event()
        waiting = asyncio.create_task(take(other, wait_s=3600, on_wait=lambda _: seen.set()))
        await seen.wait()
        hands.steady_s += 30
        await waiting
        with pytest.raises(LeaseLostError):
            lease.check()


async def take(store: Store, **arguments) -> None:
    async with store.lock(DEPLOYMENT, holder="other", **arguments) as lease:
        lease.check()


async def test_a_file_that_is_gone_loses_the_lock(tmp_path):
    """Another run would make a new file, and find no lock in it."""
    path = tmp_path / "provision.db"
    async with open_store(path, lease_s=3) as store, store.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        path.unlink()
        assert "the file is gone" in str(await lost(lease))
    assert not path.exists()


async def test_a_database_that_is_away_loses_the_lock(postgres: Cluster):
    """The block ends all the same, and the reason is told."""
    name = postgres.new_database()
    try:
        async with (
            open_store(postgres.url(name), lease_s=3) as store,
            store.lock(DEPLOYMENT, holder="one", wait_s=0) as lease,
        ):
            postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            error = await lost(lease)
    finally:
        postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert "not currently accepting connections" in str(error)
    assert postgres.password not in str(error)


async def test_a_short_absence_of_the_database_loses_nothing(postgres: Cluster):
    """Connections that were cut are made anew."""
    url = postgres.url(postgres.new_database())
    async with open_store(url, lease_s=3) as store, store.lock(DEPLOYMENT, holder="one", wait_s=0) as lease:
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dialroom'")
        while (await execute(url, "SELECT beat FROM dialroom_locks"))[0][0] < 4:
            await asyncio.sleep(0.1)
        lease.check()
