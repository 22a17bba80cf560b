"""The carriers that the contract is checked on. A real account would be one more entry of `CARRIERS`."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """An account to test on. `number` is one of its numbers that is free; what a test makes, it removes."""

    http: httpx2.AsyncClient
    auth_id: str
    auth_token: str
    base_url: str
    number: str

    @property
    def account(self) -> str:
        """The path of the account's resources, as the API writes it."""
        return f"{self.base_url}/Account/{self.auth_id}"

    @property
    def assign(self) -> str:
        """The path that assigns the number."""
        return f"{self.account}/numbers/%2B{self.number[1:]}/assign"


@asynccontextmanager
async def fake_carrier() -> AsyncIterator[Carrier]:
    """Serve the lab's stand-in."""
    account = Account(auth_id="MA_TEST0001", auth_token=secrets.token_hex(20))
    account.add_number("+918071000001")
    async with running(FakeVobiz(account=account)) as fake, opened(account.auth_id, account.auth_token) as http:
        yield Carrier(
            http=http,
            auth_id=account.auth_id,
            auth_token=account.auth_token,
            base_url=fake.base_url,
            number="+918071000001",
        )


def opened(auth_id: str, auth_token: str) -> httpx2.AsyncClient:
    """Return a client that sends these credentials."""
    return httpx2.AsyncClient(headers={"X-Auth-ID": auth_id, "X-Auth-Token": auth_token}, trust_env=False)


CARRIERS: dict[str, Callable[[], AbstractAsyncContextManager[Carrier]]] = {"fake": fake_carrier}


@pytest.fixture(params=sorted(CARRIERS))
async def carrier(request: pytest.FixtureRequest) -> AsyncIterator[Carrier]:
    """Yield every carrier in turn."""
    async with CARRIERS[request.param]() as account:
        yield account


@pytest.fixture
async def trunk(carrier: Carrier) -> AsyncIterator[dict[str, object]]:
    """Yield a trunk that is removed afterwards, and the number with it."""
    body = {
        "name": f"contract-{secrets.token_hex(4)}",
        "trunk_direction": "inbound",
        "inbound_destination": "h.lotus.in",
    }
    made = (await carrier.http.post(f"{carrier.account}/trunks", json=body)).json()
    yield made
    await carrier.http.delete(carrier.assign)
    await carrier.http.delete(f"{carrier.account}/trunks/{made['trunk_id']}")
