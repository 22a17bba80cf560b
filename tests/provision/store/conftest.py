"""Every test of the store runs on a SQLite file, and on a real PostgreSQL where one is installed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provision.store.store import Store, open_store
from tests.provision.store.actors import Elsewhere
from tests.provision.store.cluster import Cluster, NoPostgresError, cluster, find_server


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Cluster]:
    """Yield a running cluster, or skip, saying why."""
    try:
        server = find_server()
    except NoPostgresError as error:
        pytest.skip(str(error))
    async with cluster(server) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a state that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "provision.db")
    running: Cluster = request.getfixturevalue("postgres")
    return running.url(running.new_database())


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    """Yield the opened state."""
    async with open_store(address) as opened:
        yield opened


@pytest.fixture
async def elsewhere(address: str) -> AsyncIterator[Store]:
    """Yield the same state, opened as if by another machine, with a lease that tests can wait for."""
    async with open_store(address, process=Elsewhere.process(), lease_s=Elsewhere.lease_s) as opened:
        yield opened
