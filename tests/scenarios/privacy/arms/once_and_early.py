"""An arm that unsubscribes once, as soon as the human's track is seen, and trusts that it held."""

from __future__ import annotations

from livekit.agents import JobContext, JobProcess

from agent import job
from agent.transfer import handover
from agent.transfer.gates import Gates


class OnceAndEarly(Gates):
    """The agent's own tracks are listed; the caller is neither deaf while it rings nor unsubscribed again."""

    async def close_caller(self) -> None:
        return

    async def let_caller_hear(self) -> None:
        return

    async def shut_out(self, human: str) -> None:
        await super().part(human)

    async def part(self, human: str) -> None:
        return


handover.Gates = OnceAndEarly  # type: ignore[misc]


async def answer(ctx: JobContext) -> None:
    await job.answer(ctx)


def prewarm(process: JobProcess, **given: object) -> None:
    job.prewarm(process, **given)  # type: ignore[arg-type]
