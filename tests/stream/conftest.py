"""Property tests are judged by their result, not by the load of the machine; what was seen is on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.provision.store.cluster import Cluster, NoPostgresError, cluster, find_server

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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
    """Return the address of a database that is empty."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "seen.db")
    running: Cluster = request.getfixturevalue("postgres")
    return running.url(running.new_database())
