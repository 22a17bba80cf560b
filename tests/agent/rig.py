"""A worker as a process, the real livekit-server, the speech stand-ins in the test's process, and callers in rooms."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import api

from lab.servers.livekit import ROOT, LiveKit
from lab.servers.process import Child, child
from lab.speech.announced import Announcement, Segment
from lab.speech.voice import Voice
from telephony.call_tag import call_tag
from telephony.dispatch import DispatchMetadata
from tests.agent.leg import RATE, Leg, ring
from tests.agent.services import Services

CLINIC = Path(__file__).with_name("clinic.yaml")
START_LIMIT_S = 90.0
_numbers = itertools.count(1)


def log_lines(worker: Child) -> list[dict[str, Any]]:
    """Return the worker's log records, written as JSON."""
    lines = worker.log_path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and '"message"' in line]


async def logged(worker: Child, message: str, *, within_s: float = 20.0, **fields: Any) -> dict[str, Any]:
    """Wait for a log record with this message and these fields; return it."""
    async with asyncio.timeout(within_s):
        while True:
            for line in log_lines(worker):
                if line["message"] == message and all(line.get(key) == value for key, value in fields.items()):
                    return line
            await asyncio.sleep(0.05)


def group_members(group: int) -> list[int]:
    """Return the ids of the processes of a process group (Linux), zombies left out."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            members.append(int(stat.parent.name))
    return members


async def group_gone(group: int, *, within_s: float = 60.0) -> None:
    """Wait until no process of the group is left."""
    async with asyncio.timeout(within_s):
        while group_members(group):
            await asyncio.sleep(0.05)


@dataclass(eq=False, kw_only=True)
class Rig:
    """What every test of a worker needs."""

    livekit: LiveKit
    services: Services
    voice: Voice
    run_dir: Path

    def environ(self, deployment: str) -> dict[str, str]:
        """Return the environment of a worker; its log is JSON."""
        return dict(os.environ) | {
            "LIVEKIT_URL": self.livekit.url,
            "LIVEKIT_API_KEY": self.livekit.api_key,
            "LIVEKIT_API_SECRET": self.livekit.api_secret,
            "DEEPGRAM_API_KEY": "lab",
            "DEEPGRAM_BASE_URL": self.services.base_url,
            "OPENAI_API_KEY": "lab",
            "OPENAI_BASE_URL": self.services.base_url,
            "CLINIC_URL": self.services.base_url.removesuffix("/v1"),
            "DEPLOYMENT": deployment,
            "DIALROOM_MANIFEST": str(CLINIC),
            "DIALROOM_CACHE": str(self.run_dir / "cache"),
            "DIALROOM_LOG_FORMAT": "json",
        }

    def start(
        self, deployment: str, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Child]:
        """Run the worker's process; it may not be ready."""
        return child(
            f"worker of {deployment}",
            [sys.executable, "-m", "tests.agent.serve", *arguments],
            env=self.environ(deployment) | dict(environ or {}),
            log_path=self.run_dir / f"worker-{next(_numbers)}.log",
            cwd=ROOT,
            grace_s=20.0,
        )

    @asynccontextmanager
    async def worker(
        self, deployment: str, *, max_calls: int = 5, warm: int = 1, environ: Mapping[str, str] | None = None
    ) -> AsyncIterator[Child]:
        """Yield a worker that LiveKit knows."""
        arguments = ("--max-calls", str(max_calls), "--warm", str(warm))
        async with self.start(deployment, *arguments, environ=environ) as running:
            await running.ready(timeout_s=START_LIMIT_S)
            yield running

    def ring(
        self, deployment: str, *, agent: str = "desk", metadata: str | None = None, **given: Any
    ) -> AbstractAsyncContextManager[Leg]:
        """Call a number of the deployment."""
        wanted = DispatchMetadata(deployment=deployment, agent=agent, number="+918071000001").to_json()
        room = f"{deployment}-{next(_numbers)}"
        return ring(
            self.livekit, room=room, deployment=deployment, metadata=wanted if metadata is None else metadata, **given
        )

    async def say(self, leg: Leg, text: str) -> float:
        """Say a sentence, which the stand-ins are told; return when its last sound left."""
        samples = self.voice.speak(text, sample_rate=RATE)
        length_s = len(samples) / RATE
        self.services.state.announcements.add(
            Announcement(
                tag=call_tag(leg.call_id),
                text=text,
                segments=(Segment(text=text, start_s=0, end_s=length_s),),
                duration_s=length_s,
            )
        )
        return await leg.say(samples)

    async def ask(self, leg: Leg, text: str) -> float:
        """Say a sentence and hear the whole reply; return after how many seconds it began."""
        until_s = await self.say(leg, text)
        began_s = await leg.hear(after_s=until_s)
        await leg.hear_end()
        return began_s - until_s

    async def room_gone(self, room: str, *, within_s: float = 20.0) -> None:
        """Wait until LiveKit has no such room."""
        server = self.livekit
        async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
            async with asyncio.timeout(within_s):
                while (await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms:
                    await asyncio.sleep(0.1)
