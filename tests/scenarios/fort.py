"""A deployment to be attacked: what `apply` writes by default, for numbers of every shape; and the carrier's calls."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from livekit import api

from lab.caller.caller import Caller
from lab.speech.voice import ToneVoice
from lab.stack import Stack, StackOptions, local_stack
from provision.run import provision_manifest
from provision.settings import ProvisionSettings
from telephony.manifest.number_lines import NumberEntry
from telephony.manifest.route import AgentRoute
from tests.scenarios.attacks import Targets
from tests.scenarios.conftest import eventually, rooms_of

SERVED: Final = tuple(f"+91807100010{last}" for last in range(1, 9))
SECURE_ONLY: Final = SERVED[6]
"""Answered only by who speaks SRTP: attacked, but not called by the carrier here."""
ELSEWHERE: Final = "+918071000111"
NOT_PROVISIONED: Final = "+918071000112"
UNOWNED: Final = "+918071999999"
OF_ANOTHER: Final = "+918071000121"
RING_LIMIT_S: Final = 120.0
_LOOK_S: Final = 0.25
_CALLERS: Final = tuple(f"+9198000{number:05}" for number in range(1, 60))
"""Who may call the number that not everybody may call; the first one is known to attackers."""
MANIFEST: Final = f"""\
version: 1
deployment: fort
agents:
  desk: &agent
    greeting: Hello.
    goodbye: Goodbye.
    instructions: Be brief and kind.
  nurse: *agent
numbers:
  - {{ number: "{SERVED[0]}", route: {{ agent: desk }} }}
  - {{ number: "{SERVED[1]}", route: {{ agent: desk }} }}
  - {{ number: "{SERVED[2]}", route: {{ agent: nurse }}, limits: {{ ring_s: 120, max_call_s: 600 }} }}
  - {{ number: "{SERVED[3]}", route: {{ agent: desk }}, codecs: [PCMU] }}
  - number: "{SERVED[4]}"
    route: {{ agent: nurse }}
    limits: {{ callers: [{", ".join(repr(number) for number in _CALLERS)}] }}
  - number: "{SERVED[5]}"
    route: {{ split: [{{ agent: desk, weight: 1 }}, {{ agent: nurse, weight: 1 }}] }}
  - {{ number: "{SERVED[6]}", route: {{ agent: desk }}, media_encryption: require }}
  - {{ number: "{SERVED[7]}", route: {{ agent: desk }}, headers_to_attributes: {{ X-Clinic: clinic }} }}
  - {{ number: "{ELSEWHERE}", route: {{ sip: "sip:127.0.0.1:9" }} }}
livekit: {{ sip_host: "${{LIVEKIT_SIP_HOST:-sip.example.com}}" }}
"""


@dataclass(eq=False)
class Fort:
    """The running deployment.

    `seen` has every room that ever was, `welcome` those of the carrier's own calls, `refused` those that the worker is
    to refuse.
    """

    stack: Stack
    livekit: api.LiveKitAPI
    phone: Caller
    seen: set[str] = field(default_factory=set)
    welcome: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    _callers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _looking: asyncio.Task[None] | None = None

    @property
    def targets(self) -> Targets:
        """What an attacker may know."""
        strange = (ELSEWHERE, NOT_PROVISIONED, UNOWNED, OF_ANOTHER)
        return Targets(served=SERVED, strange=strange, node=self.stack.sip.address)

    @property
    def jobs(self) -> int:
        """How many calls the worker has taken."""
        return self._logged("call taken")

    @property
    def refusals(self) -> int:
        """How many calls the worker has looked at and refused."""
        return self._logged("a caller whom")

    async def call(self, number: str) -> None:
        """Call by way of the carrier, be answered, and hang up."""
        caller = _CALLERS[next(self._callers)]
        call = await self.phone.dial(
            number, sip=self.stack.carrier_sip, from_number=caller, ring_timeout_s=RING_LIMIT_S
        )
        assert call.status == 200, f"the carrier's call to {number} got {call.status}: {call.reason}"
        rooms = await rooms_of(self.livekit, caller[1:])
        assert len(rooms) == 1
        self.welcome.update(rooms)
        await call.hang_up()

    async def call_all(self) -> None:
        """Call every number that takes plain calls, one after the other."""
        for number in SERVED:
            if number != SECURE_ONLY:
                await self.call(number)

    async def as_welcome(self) -> None:
        """Wait until the log has all welcome calls; there must be no other room and no other job."""

        async def all_logged() -> bool:
            return self.jobs >= len(self.welcome)

        await eventually(all_logged)
        await asyncio.sleep(4 * _LOOK_S)
        assert self._looking is not None
        assert not self._looking.done()
        assert self.seen - self.welcome - self.refused == set()
        assert self.jobs == len(self.welcome)

    def refuse(self, caller: str) -> None:
        """The worker was to refuse a caller: his rooms are no surprise."""
        self.refused.update(room for room in self.seen if caller.lstrip("+") in room)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Note every room for as long as the block lasts."""
        self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        """LiveKit keeps a room for seconds after the last one has left."""
        while True:
            listed = await self.livekit.room.list_rooms(api.ListRoomsRequest())
            self.seen.update(room.name for room in listed.rooms)
            await asyncio.sleep(_LOOK_S)

    def _logged(self, message: str) -> int:
        return sum(worker.log_path.read_text().count(message) for worker in self.stack.workers)


@asynccontextmanager
async def fort(run_dir: Path, gateway: str) -> AsyncIterator[Fort]:
    """Run it, with a second deployment beside it on the same servers."""
    path = run_dir / "fort.yaml"
    path.write_text(MANIFEST)
    options = StackOptions(
        run_dir=run_dir,
        manifest=path,
        gateway=gateway,
        voice="tone",
        ears="oracle",
        warm=2,
        extra_numbers=(NOT_PROVISIONED, OF_ANOTHER),
    )
    async with (
        local_stack(options) as stack,
        api.LiveKitAPI(stack.livekit.http_url, stack.livekit.api_key, stack.livekit.api_secret) as livekit,
        Caller(ToneVoice(), keep_sound=False) as phone,
    ):
        other = NumberEntry(number=OF_ANOTHER, route=AgentRoute(agent="desk"))
        rival = stack.manifest.model_copy(update={"deployment": "rival", "numbers": (other,)})
        await provision_manifest(rival, ProvisionSettings.from_environ(stack.environ))
        it = Fort(stack, livekit, phone)
        async with it.watched():
            yield it
