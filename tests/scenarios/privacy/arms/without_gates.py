"""An arm without gates. Job processes import this: `answer` and `prewarm` reach them by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livekit.agents import JobContext, JobProcess

from agent import job
from agent.transfer import handover
from agent.transfer.gates import Gates


class NoGates(Gates):
    """Whoever is in the room hears everybody."""

    def list_tracks(self, allowed: Mapping[str, Iterable[str]]) -> None:
        return

    async def close_caller(self) -> None:
        return

    async def let_caller_hear(self) -> None:
        return

    async def shut_out(self, human: str) -> None:
        return

    async def part(self, human: str) -> None:
        return


handover.Gates = NoGates  # type: ignore[misc]


async def answer(ctx: JobContext) -> None:
    await job.answer(ctx)


def prewarm(process: JobProcess, **given: object) -> None:
    job.prewarm(process, **given)  # type: ignore[arg-type]
