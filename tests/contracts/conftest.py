"""The carriers that the contract is checked on: the lab's stand-in, and the real one when it is wanted.

``pytest tests/contracts --live`` also asks the account of VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN (at VOBIZ_BASE_URL). There
only objects whose name begins with ``dialroom-contract-`` are made and removed; nothing is bought or released. The one
number that may be assigned and attached for a moment is VOBIZ_CONTRACT_NUMBER; without it those tests are skipped.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from lab.vobiz.account import Account
from lab.vobiz.server import FakeVobiz, running

PREFIX = "dialroom-contract-"
NUMBER = "+918071000001"
REAL_URL = "https://api.vobiz.ai/api/v1"
TIMEOUT_S = 30.0
# Read now: before a test runs, everybody's keys are taken out of the environment.
_GIVEN = {
    name: os.environ.get(f"VOBIZ_{name}", "") for name in ("AUTH_ID", "AUTH_TOKEN", "BASE_URL", "CONTRACT_NUMBER")
}
Row = dict[str, Any]


@dataclass(kw_only=True)
class Carrier:
    """An account to test on. `number` is one of its numbers that is free; "" when none may be touched.

    What was made through `make` is removed at the end of the test, newest first.
    """

    http: httpx2.AsyncClient
    auth_id: str
    auth_token: str
    base_url: str
    number: str
    is_real: bool = False
    _made: list[str] = field(default_factory=list)

    @property
    def account(self) -> str:
        """The path of the account's resources, as the API writes it."""
        return f"{self.base_url}/Account/{self.auth_id}"

    @property
    def number_path(self) -> str:
        """The path of the number, with its plus sign encoded. Skips the test when there is none to touch."""
        if not self.number:
            pytest.skip("VOBIZ_CONTRACT_NUMBER names no number that may be assigned")
        return f"{self.account}/numbers/%2B{self.number[1:]}"

    @property
    def assign(self) -> str:
        """The path that assigns the number."""
        return f"{self.number_path}/assign"

    async def make(self, family: str, body: Row, *, key: str = "id", slash: str = "") -> httpx2.Response:
        """Create an object and note it for its removal, even when the creation should have been refused."""
        answer = await self.http.post(f"{self.account}/{family}{slash}", json=body)
        made = answer.json() if answer.is_success else {}
        if made.get(key):
            self._made.append(f"{self.account}/{family}/{made[key]}{slash}")
        return answer

    async def trunk(self, **fields: Any) -> Row:
        """Make a trunk with a name of its own, and return it."""
        answer = await self.make("trunks", {"name": new_name()} | fields, key="trunk_id")
        assert answer.status_code in (200, 201), answer.text
        return row(answer)

    async def listed(self, family: str, **params: int | str) -> Row:
        """Return a page of a list."""
        answer = await self.http.get(f"{self.account}/{family}", params=params)
        assert answer.status_code == 200, answer.text
        return row(answer)

    async def clear(self) -> None:
        """Take the number off everything, and remove what was made."""
        if self.number:
            await self.http.delete(self.assign)
            await self.http.delete(f"{self.number_path}/application")
        while self._made:
            await self.http.delete(self._made.pop())


def row(answer: httpx2.Response) -> Row:
    """Return a JSON object."""
    body = answer.json()
    assert isinstance(body, dict)
    return body


def new_name() -> str:
    """Return a name that nobody has."""
    return f"{PREFIX}{secrets.token_hex(4)}"


@asynccontextmanager
async def fake_carrier() -> AsyncIterator[Carrier]:
    """Serve the lab's stand-in."""
    account = Account(auth_id="MA_TEST0001", auth_token=secrets.token_hex(20))
    account.add_number(NUMBER)
    account.offer_number("+918071000009")
    async with running(FakeVobiz(account=account)) as fake, opened(account.auth_id, account.auth_token) as http:
        yield Carrier(
            http=http,
            auth_id=account.auth_id,
            auth_token=account.auth_token,
            base_url=fake.base_url,
            number=NUMBER,
        )


@asynccontextmanager
async def real_carrier() -> AsyncIterator[Carrier]:
    """Open the real API; skips when the number that may be touched is in use."""
    async with opened(_GIVEN["AUTH_ID"], _GIVEN["AUTH_TOKEN"], trust_env=True) as http:
        carrier = Carrier(
            http=http,
            auth_id=_GIVEN["AUTH_ID"],
            auth_token=_GIVEN["AUTH_TOKEN"],
            base_url=(_GIVEN["BASE_URL"] or REAL_URL).rstrip("/"),
            number=_GIVEN["CONTRACT_NUMBER"],
            is_real=True,
        )
        if carrier.number:
            found = await carrier.listed("numbers", search=carrier.number[1:], page=1, per_page=25)
            item = next(item for item in found["items"] if item["e164"] == carrier.number)
            if item.get("trunk_group_id") or item.get("application_id"):
                pytest.skip(f"{carrier.number} is in use")
        yield carrier


def opened(auth_id: str, auth_token: str, *, trust_env: bool = False) -> httpx2.AsyncClient:
    """Return a client that sends these credentials."""
    keys = {"X-Auth-ID": auth_id, "X-Auth-Token": auth_token}
    return httpx2.AsyncClient(headers=keys, trust_env=trust_env, timeout=TIMEOUT_S)


CARRIERS: dict[str, Callable[[], AbstractAsyncContextManager[Carrier]]] = {"fake": fake_carrier, "real": real_carrier}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--live``. It is known when this folder is named on the command line."""
    parser.addoption("--live", action="store_true", help="check the contracts on the real carrier's account too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let every test run on every carrier that is wanted."""
    if "carrier" not in metafunc.fixturenames:
        return
    names = ["fake"]
    if metafunc.config.getoption("--live", default=False):
        if not (_GIVEN["AUTH_ID"] and _GIVEN["AUTH_TOKEN"]):
            raise pytest.UsageError("--live needs VOBIZ_AUTH_ID and VOBIZ_AUTH_TOKEN")
        names.append("real")
    metafunc.parametrize("carrier", names, indirect=True)


@pytest.fixture
async def carrier(request: pytest.FixtureRequest) -> AsyncIterator[Carrier]:
    """Yield one carrier; what the test made there is removed."""
    async with CARRIERS[request.param]() as account:
        try:
            yield account
        finally:
            await account.clear()


@pytest.fixture
async def trunk(carrier: Carrier) -> Row:
    """Make an inbound trunk."""
    return await carrier.trunk(trunk_direction="inbound", inbound_destination="h.lotus.in")
