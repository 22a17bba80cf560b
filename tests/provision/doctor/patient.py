"""A deployment on the real livekit-server and the carrier over HTTP, for the doctor to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provision.doctor.diagnose import diagnose
from provision.doctor.finding import Diagnosis, Finding
from tests.provision.doctor.pure import unwell
from tests.provision.world import World

UNSEEN = ("worker", "skipped")
"""What is always said without a call: LiveKit tells of workers only through calls."""


@dataclass
class Patient:
    """A deployment that our own provisioning made, with a SIP server that answers."""

    world: World
    number: str
    sip_host: str

    async def examine(self, *, environ: dict[str, str] | None = None, **asked: Any) -> Diagnosis:
        manifest = self.world.manifest({self.number: "anna"}, sip_host=asked.pop("sip_host", self.sip_host))
        return await diagnose(manifest, self.world.settings(**(environ or {})), **asked)

    async def wrong(self, **asked: Any) -> list[Finding]:
        return unwell((await self.examine(**asked)).findings)

    async def wrong_objects(self, ids: set[str], **asked: Any) -> list[Finding]:
        """What is wrong with some objects at LiveKit: the server is everybody's."""
        return [finding for finding in await self.wrong(**asked) if any(known in finding.subject for known in ids)]
