"""The account over HTTP: paths, credentials, paging and error bodies as the real API has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from lab.vobiz import control
from lab.vobiz.account import Account
from lab.vobiz.faults import Faults
from lab.vobiz.gate import Gate
from lab.vobiz.log import READS
from lab.vobiz.rest import account as account_paths
from lab.vobiz.rest import applications, calls, numbers, sip_objects, trunks
from lab.vobiz.rest.base import BASE, Handle, bind

MAX_BODY_BYTES = 64 * 2**20
"""A dumped state of many numbers comes back as one body."""
# Of two paths that fit, the first one is taken: trunks/credentials is no trunk id.
_PATHS: tuple[tuple[str, str, Handle], ...] = (
    *account_paths.PATHS,
    *sip_objects.PATHS,
    *trunks.PATHS,
    *numbers.PATHS,
    *applications.PATHS,
    *calls.PATHS,
)


class FakeVobiz:
    """One account behind one port.

    `faults` wait for their requests, `gate` has the log and the kill point; `create_status` is one of the account's
    habits. `base_url` and `control_url` are set while it is served.
    """

    def __init__(self, *, account: Account) -> None:
        self.account = account
        self.gate = Gate(account)
        self.base_url = ""
        self.control_url = ""

    @property
    def faults(self) -> Faults:
        """The misbehaviour that waits."""
        return self.gate.faults

    @property
    def create_status(self) -> int:
        """What answers a creation."""
        return self.account.habits.create_status

    @create_status.setter
    def create_status(self, status: int) -> None:
        self.account.habits.change({"create_status": status})

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Method and path of every API request, in order."""
        return [(entry.method, entry.path) for entry in self.gate.log.entries]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that were not reads."""
        return [request for request in self.requests if request[0] not in READS]

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[self.gate.middleware], client_max_size=MAX_BODY_BYTES)
        for method, path, steer in control.PATHS:
            app.router.add_route(method, path, control.bind(self, steer))
        for method, path, handle in _PATHS:
            app.router.add_route(method, path, bind(self.account, handle))
            if "/Account/" in path:  # for the habit lower_case_paths; the gate refuses them without it
                app.router.add_route(method, path.replace("/Account/", "/account/"), bind(self.account, handle))
        return app


@asynccontextmanager
async def running(fake: FakeVobiz, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[FakeVobiz]:
    """Serve a fake until the block ends; port 0 takes a free one. `base_url` is set inside. Raises OSError."""
    runner = web.AppRunner(fake.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, shutdown_timeout=1, backlog=1024)
        await site.start()
        fake.control_url = f"http://{host}:{runner.addresses[0][1]}"
        fake.base_url = fake.control_url + BASE
        yield fake
    finally:
        await runner.cleanup()
