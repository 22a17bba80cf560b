"""An account behind HTTP and SIP, its destinations, and phones that call its numbers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from lab.sip.call import IncomingCall, OutgoingCall
from lab.sip.endpoint import SipEndpoint
from lab.sip.timers import Timers
from lab.vobiz.account import Account
from lab.vobiz.calls.carrier import Carrier
from lab.vobiz.server import FakeVobiz, running
from tests.lab.sip.phones import LIMIT_S, OFFER, Phone, phone

NUMBER = "+918071000001"
CALLER = "+919812345678"
TIMERS = Timers(t1_s=0.2, t2_s=0.8, t4_s=0.8)


def new_account(*numbers: str) -> Account:
    """Return an account that owns these numbers."""
    account = Account(auth_id="MA_TEST0001", auth_token=secrets.token_hex(20))
    for number in numbers:
        account.add_number(number)
    return account


@dataclass(kw_only=True)
class Rest:
    """A client with the account's key."""

    fake: FakeVobiz
    http: httpx2.AsyncClient

    @property
    def account(self) -> Account:
        return self.fake.account

    def url(self, path: str) -> str:
        """Return an address below the account's own path; a path of the lab is below the root."""
        if path.startswith("/lab/"):
            return self.fake.control_url + path
        return f"{self.fake.base_url}/Account/{self.account.auth_id}{path}"

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> httpx2.Response:
        return await self.http.request(method, self.url(path), json=body, params=params or None)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a 200."""
        answer = await self.ask("GET", path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any) -> Any:
        """Return the JSON of any 2xx, None without a body."""
        answer = await self.ask("POST", path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def trunk(self, **fields: Any) -> dict[str, Any]:
        """Make an inbound trunk."""
        given = {"name": "in", "trunk_direction": "inbound", "inbound_destination": "h.lotus.in"} | fields
        made = await self.post("/trunks", given)
        assert isinstance(made, dict)
        return made

    async def assign(self, number: str, trunk_id: str) -> httpx2.Response:
        return await self.ask("POST", f"/numbers/%2B{number[1:]}/assign", {"trunk_group_id": trunk_id})


@asynccontextmanager
async def rest(account: Account | None = None) -> AsyncIterator[Rest]:
    """Serve an account over HTTP."""
    account = account or new_account(NUMBER)
    keys = {"X-Auth-ID": account.auth_id, "X-Auth-Token": account.auth_token}
    async with (
        running(FakeVobiz(account=account)) as fake,
        httpx2.AsyncClient(headers=keys, trust_env=False, timeout=LIMIT_S) as http,
    ):
        yield Rest(fake=fake, http=http)


@dataclass(eq=False)
class Network:
    """The carrier, a caller and a destination (a telephone each), and other destinations."""

    rest: Rest
    carrier: Carrier
    caller: Phone
    destination: Phone
    _more: list[SipEndpoint] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return self.carrier.account

    @property
    def where(self) -> str:
        """The destination as a trunk's `inbound_destination`."""
        return at(self.destination)

    async def routed(self, **fields: Any) -> dict[str, Any]:
        """Put the number on an inbound trunk that ends at the destination."""
        trunk = await self.rest.trunk(**{"inbound_destination": self.where} | fields)
        assert (await self.rest.assign(NUMBER, trunk["trunk_id"])).status_code == 204
        return trunk

    def dial(self, number: str = NUMBER, *, caller: str = CALLER, **more: Any) -> OutgoingCall:
        """Call a number of the public network."""
        host, port = self.carrier.address
        given = {"from_uri": f"sip:{caller}@127.0.0.1", "sdp": OFFER} | more
        return self.caller.sip.invite(f"sip:{number}@{host}:{port}", **given)

    async def taken(self) -> IncomingCall:
        """Return the next call that the destination gets."""
        return await self.destination.received.get()

    async def record(self) -> dict[str, Any]:
        """Return the newest record of a call, when no call is live any more."""
        await until(lambda: not self.account.live and bool(self.account.finished))
        told = await self.rest.get("/lab/calls")
        newest = told["calls"][-1]
        assert isinstance(newest, dict)
        return newest


@asynccontextmanager
async def network(account: Account | None = None) -> AsyncIterator[Network]:
    """Yield a network with one number, on no trunk yet."""
    account = account or new_account(NUMBER)
    async with (
        asyncio.timeout(LIMIT_S),
        rest(account) as served,
        phone(TIMERS) as caller,
        phone(TIMERS) as destination,
        Carrier(account, timers=TIMERS) as carrier,
    ):
        yield Network(served, carrier, caller, destination)


def at(other: Phone) -> str:
    """Return where a phone is, as host:port."""
    return f"{other.sip.address[0]}:{other.sip.address[1]}"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that datagrams bring about; the network's own limit ends it."""
    while not condition():
        await asyncio.sleep(0.005)
